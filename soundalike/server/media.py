"""Files that are given out: which file a track is, and of what type."""

import os
import stat
from pathlib import Path

from embedder.audio.suffixes import AUDIO_SUFFIXES
from embedder.errors import NotFound
from index.catalogue.records import TrackRecord
from index.catalogue.track_rows import file_state
from index.library import Library

MEDIA_TYPES = {
    "aac": "audio/aac",
    "aif": "audio/aiff",
    "aiff": "audio/aiff",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "webm": "audio/webm",
    "wma": "audio/x-ms-wma",
}


def media_type(path: Path) -> str:
    """The type of an audio file, by its suffix."""
    return MEDIA_TYPES.get(path.suffix.lower().lstrip("."), "application/octet-stream")


def audio_path(library: Library, track: TrackRecord) -> Path:
    """The file of a track, if it is the one that was indexed; raises NotFound otherwise.

    Only regular audio files are given out. Where a link leads to the file, its size and time must
    still be those of the catalogue: a link that was set to another file later is not followed.
    """
    path = Path(track.path)
    try:
        status = path.stat()
        is_direct = os.path.realpath(path) == os.path.abspath(path)
    except OSError:
        raise NotFound(f"the file of track {track.id} is gone") from None
    suffix = Path(os.path.realpath(path)).suffix.lower().lstrip(".")
    if not stat.S_ISREG(status.st_mode) or suffix not in AUDIO_SUFFIXES:
        raise NotFound(f"the file of track {track.id} is no audio file any more")
    state = file_state(library.catalogue.database, track.id)
    if not is_direct and state != (status.st_size, status.st_mtime_ns):
        raise NotFound(f"the file of track {track.id} has changed since it was indexed")
    return path
