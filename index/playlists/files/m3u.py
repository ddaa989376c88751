"""M3U and M3U8: one path per line, and comments that begin with #. Bytes in, entries out, and back.

#EXTM3U
#EXTENC:UTF-8                         other bytes are then part of a file's name
#EXTINF:243,Some Artist - Some Title
#EXTVLCOPT:start-time=61.5            only for a part of a file
/music/some artist/title.flac
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from index.catalogue.records import TrackRecord
from index.playlists.files.entries import (
    PlaylistEntry,
    path_from_bytes,
    path_from_text,
    path_in_playlist,
    seconds_of,
    text_from_bytes,
    uri_of,
)

_LENGTH = re.compile(r"\s*(-?\d+(?:\.\d+)?)([^,]*),?(.*)", re.DOTALL)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_OPTION = re.compile(r"(start|stop)-time=(\d+(?:\.\d+)?)")
_SPACES = " \t\n\v\f"
"""What may stand around a line; other spaces of Unicode can be part of a name."""
_WIDE_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def parse_m3u(data: bytes, folder: Path) -> list[PlaylistEntry]:
    """The entries of a playlist in `folder`."""
    wide = _WIDE_MARKS.get(data[:2])
    if wide:
        data = data.decode(wide, "replace").encode()
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    entries: list[PlaylistEntry] = []
    remarks: list[str] = []
    is_utf8 = bool(wide) or data.startswith(b"\xef\xbb\xbf")
    for raw in text.replace("\r", "\n").split("\n"):
        line = raw.strip(_SPACES)
        if line.startswith("#"):
            remarks.append(line if line.isascii() else text_from_bytes(_bytes(line)))
            if line.endswith("8"):
                is_utf8 |= line.upper().replace(" ", "") == "#EXTENC:UTF-8"
        elif line:
            if line.isascii():
                path = path_from_text(line, folder)
            else:
                path = path_from_bytes(_bytes(line), folder, is_utf8=is_utf8)
            entries.append(_entry(path, remarks))
            remarks = []
    return entries


def format_m3u(tracks: Iterable[TrackRecord], *, relative_to: Path | None = None) -> bytes:
    """The playlist of tracks; paths are absolute, or relative to a folder."""
    lines = [b"#EXTM3U", b"#EXTENC:UTF-8"]
    for track in tracks:
        seconds = -1 if track.duration_seconds is None else round(track.duration_seconds)
        name = " - ".join(part for part in (track.artist, track.title) if part)
        lines.append(f"#EXTINF:{seconds},{_on_one_line(name)}".encode("utf-8", "replace"))
        if track.start_seconds is not None:
            lines.append(f"#EXTVLCOPT:start-time={track.start_seconds:g}".encode())
        if track.end_seconds is not None:
            lines.append(f"#EXTVLCOPT:stop-time={track.end_seconds:g}".encode())
        lines.append(_path_line(track.path, relative_to))
    return b"\n".join([*lines, b""])


def _path_line(path: str, relative_to: Path | None) -> bytes:
    shown = path_in_playlist(path, relative_to)
    if _CONTROL.search(shown) or shown != shown.strip():
        return uri_of(path).encode()  # such a name cannot be a line
    return os.fsencode(shown)


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")


def _entry(path: str, remarks: list[str]) -> PlaylistEntry:
    title = artist = album = ""
    seconds: float | None = None
    bounds: dict[str, float | None] = {}
    for remark in remarks:
        kind, _, value = remark.partition(":")
        match kind.upper():
            case "#EXTINF":
                seconds, artist, title = _length_and_name(value)
            case "#EXTALB":
                album = value.strip()
            case "#EXTVLCOPT":
                bounds |= {name: seconds_of(number) for name, number in _OPTION.findall(value)}
    return PlaylistEntry(
        path, title, artist, album, seconds, bounds.get("start"), bounds.get("stop")
    )


def _length_and_name(value: str) -> tuple[float | None, str, str]:
    match = _LENGTH.match(value)
    if match is None:
        return None, "", value.strip()
    seconds = seconds_of(match[1])
    artist, dash, title = match[3].strip().partition(" - ")
    if not dash:
        artist, title = "", artist
    return seconds or None, artist.strip(), title.strip()


def _on_one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())
