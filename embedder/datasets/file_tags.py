"""Read artist, album, title, genres and moods from the tags of a file."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import mutagen
from mutagen.id3 import ID3

from embedder.audio.tag_limits import OversizedTags, check_tag_limits
from embedder.errors import printable_path

logger = logging.getLogger(__name__)

_ID3_FRAMES = {
    "artist": "TPE1",
    "albumartist": "TPE2",
    "album": "TALB",
    "title": "TIT2",
    "genre": "TCON",
    "mood": "TMOO",
    "date": "TDRC",
}
"""ID3 frames, for WAV and AIFF, whose tags have no easy names in mutagen."""

_TIME_OF_DAY = re.compile(r"\d[T ]\d{1,2}:\d{2}")
_SEPARATORS = re.compile(r"\s*[;\x00]\s*|\s+/\s+")


@dataclass(frozen=True, slots=True)
class FileTags:
    """Tags of a file; missing ones are empty."""

    artist: str = ""
    album: str = ""
    title: str = ""
    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    duration_seconds: float | None = None
    session: str = ""
    """The date, if it has a time of day, as that of a recorded take has; music has years."""


def read_file_tags(path: Path) -> FileTags:
    """The tags of a file; empty if it has none or they cannot be read."""
    if not path.is_file():  # opening a pipe would wait for a writer
        return FileTags()
    try:
        check_tag_limits(path)
        file = mutagen.File(path, easy=True)
    except OversizedTags as error:
        logger.warning("%s: %s: its tags are left out", printable_path(path), error)
        return FileTags()
    except Exception:  # noqa: BLE001 - mutagen raises anything on a damaged file
        return FileTags()  # an unreadable file is reported where its audio is decoded
    if file is None:
        return FileTags()
    tags = file.tags or {}

    def texts(name: str) -> list[str]:
        if isinstance(tags, ID3):
            frames = tags.getall(_ID3_FRAMES[name])  # type: ignore[no-untyped-call]  # mutagen
            return [str(value) for frame in frames for value in frame.text]
        try:
            return [str(value) for value in tags.get(name, [])]
        except (KeyError, ValueError):  # this kind of file has no such tag
            return []

    def labels(name: str) -> tuple[str, ...]:
        parts = [part for text in texts(name) for part in _SEPARATORS.split(text)]
        return tuple(dict.fromkeys(part for part in parts if part))

    def first(name: str) -> str:
        return next(iter(texts(name)), "")

    return FileTags(
        artist=first("albumartist") if not first("artist") else first("artist"),
        album=first("album"),
        title=first("title"),
        genres=labels("genre"),
        moods=labels("mood"),
        duration_seconds=getattr(file.info, "length", None),
        session=first("date") if _TIME_OF_DAY.search(first("date")) else "",
    )
