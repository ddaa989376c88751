"""A list of tracks. JSON field names are stable: added to, never renamed."""

from collections.abc import Iterator
from dataclasses import dataclass

from index.catalogue.records import Json, TrackRecord


@dataclass(frozen=True, slots=True)
class TrackList:
    """Some of the tracks that were asked for, and how many there are in all."""

    tracks: tuple[TrackRecord, ...]
    total: int
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[TrackRecord]:
        return iter(self.tracks)

    def __len__(self) -> int:
        return len(self.tracks)

    def __getitem__(self, position: int) -> TrackRecord:
        return self.tracks[position]

    def to_json(self) -> Json:
        """`{"tracks": […], "total"}`."""
        return {"tracks": [track.to_json() for track in self.tracks], "total": self.total}
