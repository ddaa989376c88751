"""What a vote answers with. Field names in JSON are fixed: added to, never renamed."""

from dataclasses import dataclass, field

from index.catalogue.records import Failure, Json, TrackRecord


@dataclass(frozen=True, slots=True)
class Voter:
    """A neighbour that voted."""

    track: TrackRecord
    rank: int
    score: float
    distance: float
    weight: float
    """Its share of all votes for this track, 0…1."""
    labels: tuple[str, ...]
    """What it voted for."""

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
    """What the neighbours say of a track."""

    track: TrackRecord
    field: str
    label: str | None
    """The most probable one; none if they abstain."""
    labels: tuple[str, ...]
    """All that are named, where a track may have several."""
    probability: float
    """The probability of the most probable one."""
    probabilities: dict[str, float]
    """Of every label, the most probable first."""
    voters: tuple[Voter, ...]
    abstained: str | None = None
    """Why no label is named."""

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
        }


@dataclass(frozen=True, slots=True)
class LabelReport:
    """The votes on all tracks that were asked for, and what could not be heard."""

    votes: tuple[LabelVote, ...]
    failed: tuple[Failure, ...] = field(default=())

    def to_json(self) -> Json:
        """`{"tracks": […], "failed": […]}`"""
        return {
            "tracks": [vote.to_json() for vote in self.votes],
            "failed": [failure.to_json() for failure in self.failed],
        }
