"""The record of a track, which all layouts share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Side = Literal["train", "validation", "test", ""]
"""The side of a split that a track is on. Empty: no side."""

SIDES: tuple[Side, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class TrackRow:
    """A track of a data set: an audio file (`path`) or a row of its arrays (`array_row`)."""

    key: str
    """Unique in the data set, and independent of where its folder is."""
    path: Path | None = None
    array_row: int | None = None
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Label field to values; a field without a value is absent or empty."""
    artist: str = ""
    album: str = ""
    title: str = ""
    group: str | None = None
    """Tracks of one group stay on one side: linked by artists, else the album; None: unknown."""
    artists: frozenset[str] = frozenset()
    """Keys of its artists. Tracks that share one are never compared; empty: see `group`."""
    split: Side = ""
    duplicate_of: str = ""
    """The key of the track that this one is a copy of."""
    duration_seconds: float | None = None
    audio_digest: str = ""
    """Of the recording, hexadecimal; empty if not computed."""
    session: str = ""
    """When its recording began, from the tag `date` with a time of day; empty: unknown."""

    def values(self, label_field: str) -> tuple[str, ...]:
        """The track's labels of one field."""
        return self.labels.get(label_field, ())


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A listed track that cannot be used, and the reason."""

    path: Path | str
    reason: str
