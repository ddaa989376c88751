"""Playlists that players make: kept in the library's folder, a file each."""

import json
import re
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedder.whole_files import write_whole
from soundalike.server.rest.replies import MISSING_PARAMETER, NOT_FOUND, SubsonicError, Value
from soundalike.server.rest.shelf import track_number_of
from soundalike.server.rest.visit import Visit

Payload = dict[str, Value]
FOLDER = "playlists"
ID = re.compile(r"pl-[0-9a-f]{16}")
MAX_NAME = 200
MAX_SONGS = 10_000


def get_playlists(visit: Visit) -> Payload:
    """The playlists, by name."""
    folder = visit.library.folder / FOLDER
    lists = [_read(path) for path in folder.glob("pl-*.json")] if folder.is_dir() else []
    entries = [_entry(visit, kept) for kept in lists if kept is not None]
    entries.sort(key=lambda entry: str(entry["name"]).casefold())
    return {"playlists": {"playlist": entries}}


def get_playlist(visit: Visit) -> Payload:
    """One playlist with its songs."""
    kept = _kept(visit, visit.text("id"))
    return {"playlist": {**_entry(visit, kept), "entry": _songs(visit, kept)}}


def create_playlist(visit: Visit) -> Payload:
    """A new playlist of a name, or other songs for an old one."""
    list_id = visit.text("playlistId", "")
    songs = visit.texts("songId")
    if len(songs) > MAX_SONGS:
        raise SubsonicError(MISSING_PARAMETER, f"a playlist has at most {MAX_SONGS} songs")
    for song in songs:
        visit.track(song)
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    kept = _kept(visit, list_id) if list_id else _new(visit.text("name"), now)
    kept |= {"songs": [track_number_of(song) for song in songs], "changed": now}
    kept["name"] = visit.text("name", kept["name"])[:MAX_NAME]
    _write(visit, kept)
    return {"playlist": {**_entry(visit, kept), "entry": _songs(visit, kept)}}


def update_playlist(visit: Visit) -> Payload:
    """Add songs to a playlist, remove some by their places, or name it anew."""
    kept = _kept(visit, visit.text("playlistId"))
    removed = {int(place) for place in visit.texts("songIndexToRemove") if place.isdecimal()}
    songs = [song for place, song in enumerate(kept["songs"]) if place not in removed]
    songs += [visit.track(song).id for song in visit.texts("songIdToAdd")]
    kept["songs"] = songs[:MAX_SONGS]
    kept["name"] = visit.text("name", kept["name"])[:MAX_NAME]
    _write(visit, kept)
    return {}


def delete_playlist(visit: Visit) -> Payload:
    """Delete a playlist."""
    kept = _kept(visit, visit.text("id"))
    (visit.library.folder / FOLDER / f"{kept['id']}.json").unlink(missing_ok=True)
    return {}


def _new(name: str, now: str) -> dict[str, Any]:
    return {"id": f"pl-{secrets.token_hex(8)}", "name": name, "created": now}


def _kept(visit: Visit, list_id: str) -> dict[str, Any]:
    path = visit.library.folder / FOLDER / f"{list_id}.json"
    kept = _read(path) if ID.fullmatch(list_id) else None
    if kept is None:
        raise SubsonicError(NOT_FOUND, "no such playlist")
    return kept


def _read(path: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError, RecursionError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(kept, dict) and kept.keys() >= {"id", "name", "songs", "created", "changed"}:
            return kept
    return None


def _write(visit: Visit, kept: dict[str, Any]) -> None:
    folder = visit.library.folder / FOLDER
    folder.mkdir(exist_ok=True)
    data = json.dumps(kept, ensure_ascii=True, indent=1).encode()
    write_whole(folder / f"{kept['id']}.json", data)


def _songs(visit: Visit, kept: dict[str, Any]) -> list[Payload]:
    return [visit.song(track) for track in visit.library.tracks(kept["songs"])]


def _entry(visit: Visit, kept: dict[str, Any]) -> Payload:
    tracks = visit.library.tracks(kept["songs"])
    return {
        "id": kept["id"],
        "name": kept["name"],
        "owner": visit.text("u", "soundalike"),
        "public": False,
        "songCount": len(tracks),
        "duration": round(sum(track.duration_seconds or 0.0 for track in tracks)),
        "created": kept["created"],
        "changed": kept["changed"],
    }
