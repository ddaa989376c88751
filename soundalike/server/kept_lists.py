"""Playlists that are kept for players, in the library's folder: a JSON file each."""

import json
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedder.errors import NotFound
from embedder.whole_files import write_whole

FOLDER = "playlists"
ID = re.compile(r"pl-[0-9a-f]{16}")
MAX_NAME = 200
MAX_SONGS = 10_000
FIELDS = frozenset({"id", "name", "songs", "created", "changed"})

KeptList = dict[str, Any]


def all_lists(library_folder: Path) -> list[KeptList]:
    """The playlists, by name; damaged files are left out."""
    folder = library_folder / FOLDER
    lists = [_read(path) for path in folder.glob("pl-*.json")] if folder.is_dir() else []
    return sorted((kept for kept in lists if kept), key=lambda kept: str(kept["name"]).casefold())


def one_list(library_folder: Path, list_id: str) -> KeptList:
    """The playlist with an id; raises NotFound."""
    path = library_folder / FOLDER / f"{list_id}.json"
    kept = _read(path) if ID.fullmatch(list_id) else None
    if kept is None:
        raise NotFound("no such playlist")
    return kept


def keep(library_folder: Path, name: str, songs: Sequence[int]) -> KeptList:
    """A new playlist of tracks, by their ids."""
    list_id = f"pl-{secrets.token_hex(8)}"
    return write(library_folder, {"id": list_id, "name": name, "songs": songs, "created": _now()})


def write(library_folder: Path, kept: KeptList) -> KeptList:
    """Write a playlist, new or changed."""
    whole = kept | {
        "name": str(kept["name"])[:MAX_NAME],
        "songs": list(kept["songs"])[:MAX_SONGS],
        "changed": _now(),
    }
    folder = library_folder / FOLDER
    folder.mkdir(exist_ok=True)
    data = json.dumps(whole, ensure_ascii=True, indent=1).encode()
    write_whole(folder / f"{whole['id']}.json", data)
    return whole


def delete(library_folder: Path, list_id: str) -> None:
    """Delete a playlist; raises NotFound."""
    kept = one_list(library_folder, list_id)
    (library_folder / FOLDER / f"{kept['id']}.json").unlink(missing_ok=True)


def _read(path: Path) -> KeptList | None:
    with suppress(OSError, ValueError, RecursionError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(kept, dict) and kept.keys() >= FIELDS and isinstance(kept["songs"], list):
            return kept
    return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
