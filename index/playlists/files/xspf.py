"""XSPF, the playlist in XML: locations are URIs, so every name survives. Bytes in, entries out."""

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from embedder.errors import BadInput
from index.catalogue.records import TrackRecord
from index.playlists.files.entries import (
    PlaylistEntry,
    path_from_uri,
    path_in_playlist,
    seconds_of,
    uri_of,
)

NAMESPACE = "http://xspf.org/ns/0/"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse_xspf(data: bytes, folder: Path) -> list[PlaylistEntry]:
    """The entries of a playlist in `folder`; raises BadInput if it is not XML."""
    if b"<!ENTITY" in data.replace(b"\0", b""):  # UTF-16 has NULs
        raise BadInput("it defines XML entities, which a playlist must not")
    try:
        root = ET.fromstring(data)  # noqa: S314 - entities are refused above
    except (ET.ParseError, ValueError, LookupError) as error:
        raise BadInput(f"not an XSPF playlist ({error})") from error
    entries = []
    for track in root.findall(".//{*}track"):
        location = (track.findtext("{*}location") or "").strip()
        if location:
            entries.append(_entry(track, path_from_uri(location, folder)))
    return entries


def format_xspf(tracks: Iterable[TrackRecord], *, relative_to: Path | None = None) -> bytes:
    """The playlist of tracks; locations are absolute, or relative to a folder."""
    root = ET.Element("playlist", {"version": "1", "xmlns": NAMESPACE})
    listed = ET.SubElement(root, "trackList")
    for track in tracks:
        element = ET.SubElement(listed, "track")
        location = path_in_playlist(track.path, relative_to)
        fields = {
            "location": uri_of(location, is_relative=relative_to is not None),
            "title": track.title,
            "creator": track.artist,
            "album": track.album,
            "duration": _milliseconds(track.duration_seconds),
        }
        for name, value in fields.items():
            if value:
                ET.SubElement(element, name).text = _NOT_XML.sub("�", value)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _entry(track: ET.Element, path: str) -> PlaylistEntry:
    texts = {
        name: (track.findtext(f"{{*}}{name}") or "").strip()
        for name in ("title", "creator", "album", "duration")
    }
    duration = texts["duration"]
    is_number = duration.isascii() and duration.isdigit()
    seconds = seconds_of(float(duration) / 1000) if is_number else None
    return PlaylistEntry(path, texts["title"], texts["creator"], texts["album"], seconds or None)


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else str(round(seconds * 1000))
