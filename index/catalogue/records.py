"""What the library answers with. Field names in JSON are fixed: added to, never renamed."""

from dataclasses import asdict, dataclass, field
from typing import Any

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
    """Equal for the same recording, whatever its tags, name and place."""
    is_gone: bool = False
    """Its file was not there when its folder was last scanned."""

    def to_json(self) -> Json:
        """The fields by their names."""
        return asdict(self) | {"id": self.id or None}


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


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run of `index` did."""

    added: int = 0
    updated: int = 0
    moved: int = 0
    unchanged: int = 0
    removed: int = 0
    """Marked as gone, or with `prune` removed."""
    failed: tuple[Failure, ...] = ()
    seconds: float = 0.0
    n_analysed: int = 0
    n_duplicates: int = 0
    """Added tracks whose recording was known already, so that nothing was analysed."""
    is_dry_run: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def tracks_per_second(self) -> float:
        """How fast analysis and all around it went."""
        n_tracks = self.added + self.updated + self.moved + self.unchanged
        return n_tracks / self.seconds if self.seconds > 0 else 0.0

    def to_json(self) -> Json:
        """The fields by their names."""
        return {
            "added": self.added,
            "updated": self.updated,
            "moved": self.moved,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "failed": [failure.to_json() for failure in self.failed],
            "seconds": round(self.seconds, 3),
            "tracks_per_second": round(self.tracks_per_second, 3),
            "analysed": self.n_analysed,
            "duplicates": self.n_duplicates,
            "dry_run": self.is_dry_run,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class LibraryInfo:
    """A library at a glance."""

    folder: str
    format: int
    fingerprint: str
    embedding_size: int
    geometry: str
    n_tracks: int
    n_gone: int
    n_duplicates: int
    n_failures: int
    store: Json

    def to_json(self) -> Json:
        """The fields by their names."""
        return asdict(self)
