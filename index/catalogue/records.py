"""What the library answers with. Field names in JSON are fixed: added to, never renamed."""

import os
from dataclasses import asdict, dataclass, fields
from typing import Any
from urllib.parse import quote

from embedder.errors import utf8_text

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """A track of the library: a file, or a part of one."""

    id: int
    """0, and null in JSON, for a file that is not in the library."""
    path: str
    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    duration_seconds: float | None = None
    year: int | None = None
    track_number: int | None = None
    start_seconds: float | None = None
    """Where the track begins in its file, if it is a part of it."""
    end_seconds: float | None = None
    audio_digest: str = ""
    """Equal for equal audio, whatever its tags, name and place."""
    is_gone: bool = False
    """Its file was missing when its folder was last scanned."""
    recording: str = ""
    """Equal for copies of a recording, also in other encodings; by default the audio digest."""

    def __post_init__(self) -> None:
        """A track without known copies is a recording of its own."""
        if not self.recording:
            object.__setattr__(self, "recording", self.audio_digest)

    def to_json(self) -> Json:
        """The fields by their names."""
        return {name: getattr(self, name) for name in TRACK_FIELDS} | {"id": self.id or None}


TRACK_FIELDS = tuple(field.name for field in fields(TrackRecord))
"""Read one by one: `asdict` copies each value, and takes ten times as long."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be used, and why."""

    path: str
    reason: str
    is_known: bool = False
    """It failed in an earlier run and has not changed since, so it was not tried again."""

    def to_json(self) -> Json:
        """The fields by their names."""
        return asdict(self)


def valid_json(value: Any) -> Any:
    r"""The same records as JSON that every reader takes: bytes that are not UTF-8 become \xNN.

    A record with such a path has its exact bytes in `location`, a file URI.
    """
    if isinstance(value, str):
        return utf8_text(value)
    if isinstance(value, list | tuple):
        return [valid_json(part) for part in value]
    if not isinstance(value, dict):
        return value
    record = {name: valid_json(part) for name, part in value.items()}
    path = value.get("path")
    if isinstance(path, str) and record["path"] != path:
        record["location"] = f"file://{quote(os.fsencode(path))}"
    return record
