"""What a run of indexing did, and how far it is."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from index.catalogue.records import Failure, Json


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """Tracks done so far, of those that are new, changed or without a vector."""

    n_done: int
    n_total: int
    path: str
    n_quick: int = 0
    """Those of `n_done` that needed no analysis: copies, moved and retagged files, broken tags."""


OnScan = Callable[[int, int | None], None]
"""Gets the number of files found so far, and None; after the scan the number of tracks to do."""


@dataclass(frozen=True, slots=True)
class FileNote:
    """A file that was indexed without something that it has, and why."""

    path: str
    reason: str

    def to_json(self) -> Json:
        """The fields by their names."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What the library took from a data set of labels."""

    dataset: str
    layout: str
    tracks: int
    """Tracks of the library that have labels of the data set."""
    fields: dict[str, int]
    """Tracks for each label field."""
    n_unmatched: int = 0
    """Tracks of the data set that are not in the library."""

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
    """Tracks that can no longer be found by a search: removed, or marked as gone."""
    gone: int = 0
    """Those of them that are marked as gone: their files are missing. With `prune` only those that
    are unreachable."""
    unreachable: int = 0
    """Tracks, gone now or before, whose folders are there and empty: `prune` leaves them."""
    failed: tuple[Failure, ...] = ()
    seconds: float = 0.0
    n_analysed: int = 0
    n_duplicates: int = 0
    """Added copies of recordings that the library already has: they were not analysed."""
    n_measured: int = 0
    """Tracks that an older version analysed, and whose sound was measured again in this run."""
    is_dry_run: bool = False
    notes: tuple[str, ...] = field(default=())
    file_notes: tuple[FileNote, ...] = ()
    labels: tuple[SourceReport, ...] = ()

    @property
    def tracks_per_second(self) -> float:
        """The speed of the whole run."""
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
            "gone": self.gone,
            "unreachable": self.unreachable,
            "failed": [failure.to_json() for failure in self.failed],
            "seconds": round(self.seconds, 3),
            "tracks_per_second": round(self.tracks_per_second, 3),
            "analysed": self.n_analysed,
            "duplicates": self.n_duplicates,
            "measured": self.n_measured,
            "dry_run": self.is_dry_run,
            "notes": list(self.notes),
            "file_notes": [note.to_json() for note in self.file_notes],
            "labels": [labels.to_json() for labels in self.labels],
        }
