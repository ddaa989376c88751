"""The results of a vote. JSON field names are stable: added to, never renamed."""

from dataclasses import dataclass, field

from index.catalogue.records import Failure, Json, TrackRecord
from index.vectors.usual_nearest import Closeness


@dataclass(frozen=True, slots=True)
class Voter:
    """A neighbour that voted."""

    track: TrackRecord
    rank: int
    score: float
    distance: float
    weight: float
    """Its share of all votes on this track, 0…1."""
    labels: tuple[str, ...]
    """The labels it voted for."""

    def to_json(self) -> Json:
        """The track's fields, then those of the vote."""
        return self.track.to_json() | {
            "rank": self.rank,
            "score": self.score,
            "distance": self.distance,
            "weight": self.weight,
            "labels": list(self.labels),
        }


@dataclass(frozen=True, slots=True)
class LabelVote:
    """The neighbours' vote on a track."""

    track: TrackRecord
    field: str
    label: str | None
    """The most probable label; None if the vote abstains."""
    labels: tuple[str, ...]
    """All named labels, if a track may have several."""
    probability: float
    """The probability of the most probable label."""
    probabilities: dict[str, float]
    """The probability of every label, the most probable first."""
    voters: tuple[Voter, ...]
    abstained: str | None = None
    """The reason if no label is named."""
    closeness: Closeness | None = None
    """How near the nearest other recording is, for this library; None in a small library, and for
    a part of a track."""

    def to_json(self) -> Json:
        """The track's fields, then those of the vote."""
        return self.track.to_json() | {
            "field": self.field,
            "label": self.label,
            "labels": list(self.labels),
            "probability": self.probability,
            "probabilities": self.probabilities,
            "voters": [voter.to_json() for voter in self.voters],
            "abstained": self.abstained,
            "closeness": self.closeness.to_json() if self.closeness else None,
        }


@dataclass(frozen=True, slots=True)
class LabelReport:
    """The votes on all tracks of a request, and the tracks that could not be encoded."""

    votes: tuple[LabelVote, ...]
    failed: tuple[Failure, ...] = field(default=())

    def to_json(self) -> Json:
        """`{"tracks": […], "failed": […]}`"""
        return {
            "tracks": [vote.to_json() for vote in self.votes],
            "failed": [failure.to_json() for failure in self.failed],
        }
