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
class Neighbour:
    """A track near the query."""

    track: TrackRecord
    rank: int
    score: float
    distance: float
    percentile: float | None = None
    """Among random pairs of this library, the share that is less alike."""
    is_duplicate: bool = False
    """The query's own recording under another path."""
    explanation: Json | None = None

    def to_json(self) -> Json:
        """The track's fields, then those of the match."""
        fields = self.track.to_json() | {
            "rank": self.rank,
            "score": self.score,
            "distance": self.distance,
            "percentile": self.percentile,
            "is_duplicate": self.is_duplicate,
        }
        return fields if self.explanation is None else fields | {"explanation": self.explanation}


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What was asked, and what is near it."""

    query: tuple[TrackRecord, ...]
    neighbours: tuple[Neighbour, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple["LeftOut", ...] | None = None
    """With `explain`: the nearest tracks that filters and limits kept away, and why."""

    def to_json(self) -> Json:
        """`{"query": […], "neighbours": […]}`, with `explain` also `left_out`."""
        fields: Json = {
            "query": [track.to_json() for track in self.query],
            "neighbours": [neighbour.to_json() for neighbour in self.neighbours],
        }
        if self.left_out is None:
            return fields
        return fields | {"left_out": [left.to_json() for left in self.left_out]}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A track that would have come without a filter or limit."""

    track: TrackRecord
    distance: float
    reason: str
    """where, min-score, per-artist, per-album or duplicate."""

    def to_json(self) -> Json:
        """The track's fields, how far it is and what kept it away."""
        return self.track.to_json() | {"distance": self.distance, "reason": self.reason}


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
