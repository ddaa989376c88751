"""Playlist files on disk: the suffix decides the format, and writing is atomic."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from embedder.errors import BadInput, UnknownChoice, printable_path
from embedder.whole_files import check_output, write_whole
from index.catalogue.records import Json, TrackRecord, valid_json
from index.playlists.files.entries import (
    PlaylistEntry,
    path_from_text,
    path_from_uri,
    seconds_of,
)
from index.playlists.files.m3u import format_m3u, parse_m3u
from index.playlists.files.xspf import format_xspf, parse_xspf

SUFFIXES = (".m3u8", ".m3u", ".xspf", ".json")
MAX_BYTES = 256 << 20


def is_playlist_file(path: Path) -> bool:
    """Whether a path has the suffix of a playlist."""
    return path.suffix.lower() in SUFFIXES


def read_playlist(path: Path) -> list[PlaylistEntry]:
    """The entries of a playlist file; a file with another suffix has one path per line."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{printable_path(path)}: it is too large for a playlist")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(f"{printable_path(path)}: no such file") from error
    except OSError as error:
        raise BadInput(f"{printable_path(path)}: {error.strerror}") from error
    folder = Path(os.path.abspath(path.parent))
    parse = _PARSERS.get(path.suffix.lower(), parse_m3u)
    try:
        return parse(data, folder)
    except BadInput as error:
        raise BadInput(f"{printable_path(path)}: {error}") from error


def format_playlist(
    suffix: str, tracks: Sequence[TrackRecord], *, document: Json, relative_to: Path | None = None
) -> bytes:
    """A playlist in the format of a suffix; JSON is `document`."""
    match suffix.lower():
        case ".m3u8" | ".m3u":
            return format_m3u(tracks, relative_to=relative_to)
        case ".xspf":
            return format_xspf(tracks, relative_to=relative_to)
        case ".json":
            return _as_json(document)
    raise UnknownChoice("playlist suffix", suffix, SUFFIXES)


def write_playlist(
    path: Path,
    tracks: Sequence[TrackRecord],
    *,
    document: Json,
    relative_to: Path | None = None,
    force: bool = False,
) -> None:
    """Write a playlist; an existing file is replaced only by `force`."""
    check_writable(path, force=force)
    absolute = None if relative_to is None else Path(os.path.abspath(relative_to))
    data = format_playlist(path.suffix, tracks, document=document, relative_to=absolute)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)


def check_writable(path: Path, *, force: bool) -> None:
    """Raise an error if the path cannot be written, before any work is done."""
    if not is_playlist_file(path):
        raise UnknownChoice("playlist suffix", path.suffix, SUFFIXES)
    check_output(path, force=force)


def parse_json(data: bytes, folder: Path) -> list[PlaylistEntry]:
    """The entries of a JSON playlist in `folder`; raises BadInput if it is not one."""
    try:
        content: Any = json.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON ({error})") from error
    listed = content.get("tracks") if isinstance(content, dict) else content
    if not isinstance(listed, list):
        raise BadInput("needs a list of paths, or of records with a path, under 'tracks'")
    return [_json_entry(entry, folder) for entry in listed]


def _json_entry(entry: Any, folder: Path) -> PlaylistEntry:
    record: dict[str, Any] = {"path": entry} if isinstance(entry, str) else entry
    if not isinstance(record, dict) or not isinstance(record.get("path"), str):
        raise BadInput(f"an entry without a path: {str(entry)[:60]}")
    location = record.get("location")
    path = path_from_text(record["path"], folder)
    return PlaylistEntry(
        path_from_uri(location, folder) if isinstance(location, str) else path,
        title=str(record.get("title") or ""),
        artist=str(record.get("artist") or ""),
        album=str(record.get("album") or ""),
        duration_seconds=_number(record.get("duration_seconds")),
        start_seconds=_number(record.get("start_seconds")),
        end_seconds=_number(record.get("end_seconds")),
    )


def _number(value: Any) -> float | None:
    return seconds_of(value) if isinstance(value, int | float) else None


def _as_json(document: Json) -> bytes:
    return json.dumps(valid_json(document), ensure_ascii=False, indent=2).encode() + b"\n"


_PARSERS: dict[str, Callable[[bytes, Path], list[PlaylistEntry]]] = {
    ".m3u": parse_m3u,
    ".m3u8": parse_m3u,
    ".xspf": parse_xspf,
    ".json": parse_json,
}
