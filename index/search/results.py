"""The results of a search. JSON field names are stable: added to, never renamed."""

from dataclasses import dataclass

from index.catalogue.records import Json, TrackRecord
from index.vectors.usual_nearest import Closeness


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A track near the query."""

    track: TrackRecord
    rank: int
    score: float
    distance: float
    percentile: float | None = None
    """The share of random pairs of this library that are farther apart."""
    is_duplicate: bool = False
    """The query's own recording under another path, maybe in another encoding."""
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
    """The query tracks and their neighbours."""

    query: tuple[TrackRecord, ...]
    neighbours: tuple[Neighbour, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple["LeftOut", ...] | None = None
    """With `explain`: nearer tracks that filters and limits left out, and why."""
    closeness: Closeness | None = None
    """How near the nearest neighbour is, for this library, copies of the query aside; None in a
    small library, and for a text or a part of a track."""

    def to_json(self) -> Json:
        """`{"query": […], "neighbours": […], "closeness"}`, with `explain` also `left_out`."""
        fields: Json = {
            "query": [track.to_json() for track in self.query],
            "neighbours": [neighbour.to_json() for neighbour in self.neighbours],
            "closeness": self.closeness.to_json() if self.closeness else None,
        }
        if self.left_out is None:
            return fields
        return fields | {"left_out": [left.to_json() for left in self.left_out]}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A track that only a search without filters and limits returns."""

    track: TrackRecord
    distance: float
    reason: str
    """where, min-score, per-artist, per-album, duplicate, correction or taste."""

    def to_json(self) -> Json:
        """The track's fields, its distance, and the reason."""
        return self.track.to_json() | {"distance": self.distance, "reason": self.reason}
