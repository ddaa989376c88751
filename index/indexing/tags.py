"""Tags of audio files, brought to one set of names. Mutagen reads them; Matroska, which it does not
know, is read by `matroska_tags`. Writes nothing.

A file whose tags cannot be read counts as a file without tags; its audio may still be sound. Tags
beyond the limits of `embedder.audio.tag_limits` are not parsed, and `problem` says so.
"""

import logging
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen
from mutagen._vorbis import VComment

from embedder.audio.failing_disk import refuse_failing_disk
from embedder.audio.tag_limits import MAX_TAGS, OversizedTags, check_tag_limits
from index.indexing.matroska_tags import read_matroska_tags

logger = logging.getLogger(__name__)

ID3_FIELDS = {
    "TIT2": "title",
    "TPE1": "artist",
    "TPE2": "albumartist",
    "TALB": "album",
    "TCON": "genre",
    "TDRC": "date",
    "TYER": "date",
    "TDOR": "originaldate",
    "TRCK": "tracknumber",
    "TMOO": "mood",
    "TPUB": "label",
    "TCOM": "composer",
    "TBPM": "bpm",
    "TKEY": "key",
    "TLAN": "language",
    "TIT1": "grouping",
    "TCMP": "compilation",
}
MP4_FIELDS = {
    "\xa9nam": "title",
    "\xa9ART": "artist",
    "aART": "albumartist",
    "\xa9alb": "album",
    "\xa9gen": "genre",
    "\xa9day": "date",
    "trkn": "tracknumber",
    "\xa9wrt": "composer",
    "tmpo": "bpm",
    "\xa9grp": "grouping",
    "cpil": "compilation",
}
ASF_FIELDS = {
    "WM/AlbumArtist": "albumartist",
    "WM/AlbumTitle": "album",
    "WM/Genre": "genre",
    "WM/Year": "date",
    "WM/TrackNumber": "tracknumber",
    "WM/Mood": "mood",
    "WM/Publisher": "label",
    "Author": "artist",
    "Title": "title",
}
OTHER_NAMES = {
    "organization": "label",
    "publisher": "label",
    "album artist": "albumartist",
    "year": "date",
    "track": "tracknumber",
    "initialkey": "key",
}
NO_FIELDS = frozenset({"encoder", "encodedby", "encoded_by", "encoded-by"})
"""The program that wrote a file, which says nothing about its music."""
MAX_VALUE_CHARACTERS = 200
"""Longer ones are lyrics, comments or pictures in text form: nothing to vote or filter on."""


@dataclass(frozen=True, slots=True)
class FileTags:
    """What a file says about itself. `fields` holds all, with every value of each."""

    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int | None = None
    track_number: int | None = None
    duration_seconds: float | None = None
    fields: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    """Why the tags were left out, if they are too many or too large."""


def read_tags(path: Path) -> FileTags:
    """The tags of a file; empty if it has none or they are broken.

    Raises OutOfReach if the disk or the network fails.
    """
    if not path.is_file():  # opening a pipe would wait for its writer
        return FileTags()
    try:
        check_tag_limits(path)
        matroska = read_matroska_tags(path)
        tags: Any
        if matroska is not None:
            tags, length = matroska
        else:
            opened: Any = mutagen.File(path)
            if opened is None:
                return FileTags()
            tags, length = opened.tags or {}, getattr(opened.info, "length", None)
        named = _named(tags)
    except OversizedTags as error:
        return FileTags(problem=f"{error}: its tags are left out")
    except Exception as error:  # noqa: BLE001 - mutagen raises anything on a damaged file
        refuse_failing_disk(path)
        logger.debug("%r: its tags cannot be read (%s)", path, error)
        return FileTags()
    seconds = float(length) if length and math.isfinite(length) else None
    return as_file_tags(named, seconds)


def as_file_tags(named: dict[str, list[str]], duration_seconds: float | None) -> FileTags:
    """Fields by their common names as a record."""
    dates = named.get("date") or named.get("originaldate") or []
    year = next((int(m[0]) for d in dates if (m := re.match(r"\d{4}", d))), None)
    numbers = named.get("tracknumber", [])
    number = next((int(m[0]) for n in numbers if (m := re.match(r"\d{1,6}", n))), None)
    fields = {(field, value) for field, values in named.items() for value in values}
    if year is not None:
        fields.add(("year", str(year)))
    return FileTags(
        title="; ".join(named.get("title", [])),
        artist="; ".join(named.get("artist", [])),
        album="; ".join(named.get("album", [])),
        genre="; ".join(named.get("genre", [])),
        year=year,
        track_number=number,
        duration_seconds=duration_seconds,
        fields=tuple(sorted(fields)),
    )


def _named(tags: Any) -> dict[str, list[str]]:
    named: dict[str, dict[str, None]] = {}
    n_values = 0
    for key, value in _pairs(tags):
        field = field_of(key, value)
        if field is not None and field not in NO_FIELDS:
            texts = texts_of(value)
            n_values += len(texts)
            if n_values > MAX_TAGS:  # one tag can have any number of values
                raise OversizedTags(f"it has more than {MAX_TAGS} values of tags")
            named.setdefault(field, {}).update(dict.fromkeys(texts))
    return {field: list(texts) for field, texts in named.items() if texts}


def _pairs(tags: Any) -> Iterable[tuple[str, Any]]:
    """Each tag with its value. `items()` searches the list of Vorbis and ASF tags for each key."""
    if not isinstance(tags, list):
        pairs: Iterable[tuple[str, Any]] = tags.items()
        return pairs
    if isinstance(tags, VComment):
        return ((key.lower(), value) for key, value in tags)
    return tags


def field_of(key: str, value: Any) -> str | None:
    """The common name of a tag, None for pictures, comments and the like."""
    frame = getattr(value, "FrameID", None)
    if frame is not None:
        if frame == "TXXX":
            return _common(value.desc)
        return ID3_FIELDS.get(frame)
    if key in MP4_FIELDS or key.startswith("----:"):
        return MP4_FIELDS.get(key) or _common(key.rpartition(":")[2])
    if key in ASF_FIELDS:
        return ASF_FIELDS[key]
    if key.startswith(("WM/", "\xa9")):
        return None
    return _common(key)


def _common(name: str) -> str | None:
    lower = _storable(name).strip().lower()
    return OTHER_NAMES.get(lower, lower) if len(lower) <= MAX_VALUE_CHARACTERS else None


def texts_of(value: Any) -> list[str]:
    """The values of a tag as clean text; what is no text gives none."""
    genres = getattr(value, "genres", None)  # ID3 numbers some genres: (17) is Rock
    values = genres if genres is not None else getattr(value, "text", value)
    if isinstance(values, (str, bytes, int, float, bool)):
        values = [values]
    try:
        return [text for item in values if (text := _text(item))]
    except TypeError:
        return []


def _text(value: Any) -> str:
    if isinstance(value, tuple):  # MP4: (number, total)
        value = value[0] if value else ""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return ""
    text = _storable(str(value)).replace("\0", "").strip()
    return text if len(text) <= MAX_VALUE_CHARACTERS else ""


def _storable(text: str) -> str:
    """Text without lone surrogates, which cannot be stored."""
    return text.encode("utf-8", "replace").decode()
