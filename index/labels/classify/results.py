"""The results of `classify`. JSON field names are stable: added to, never renamed."""

from dataclasses import dataclass

from index.catalogue.records import Failure, Json, TrackRecord

LEAST_OF_TAGS = 0.5
"""A tag is named if it is more probable than not."""


@dataclass(frozen=True, slots=True)
class ClassifiedWindow:
    """A stretch of a track; `probabilities` is empty, with a reason, if it cannot be classified."""

    start_seconds: float
    seconds: float
    probabilities: dict[str, float]
    reason: str = ""

    def to_json(self) -> Json:
        """The most probable label, and all of them."""
        label, probability = next(iter(self.probabilities.items()), (None, None))
        return {
            "start_seconds": self.start_seconds,
            "seconds": self.seconds,
            "label": label,
            "probability": probability,
            "probabilities": self.probabilities,
            "reason": self.reason or None,
        }


@dataclass(frozen=True, slots=True)
class ClassifiedTrack:
    """A track, the probability of each label, and those of its stretches."""

    track: TrackRecord
    field: str
    kind: str
    """`softmax`: one of the labels; `sigmoid`: each tag by itself."""
    probabilities: dict[str, float]
    """The most probable label first."""
    windows: tuple[ClassifiedWindow, ...] = ()

    @property
    def label(self) -> str:
        """The most probable label."""
        return next(iter(self.probabilities))

    @property
    def probability(self) -> float:
        """The probability of the most probable label."""
        return next(iter(self.probabilities.values()))

    @property
    def labels(self) -> tuple[str, ...]:
        """The label, or the tags that are more probable than not."""
        if self.kind == "softmax":
            return (self.label,)
        return tuple(name for name, p in self.probabilities.items() if p >= LEAST_OF_TAGS)

    def to_json(self, *, top: int | None = None) -> Json:
        """The track's fields, then its labels; `top` limits the probabilities."""
        probabilities = dict(list(self.probabilities.items())[:top])
        return self.track.to_json() | {
            "field": self.field,
            "kind": self.kind,
            "label": self.label,
            "labels": list(self.labels),
            "probability": self.probability,
            "probabilities": probabilities,
            "windows": [window.to_json() for window in self.windows],
        }


@dataclass(frozen=True, slots=True)
class ClassifyReport:
    """All tracks of a request, and those that could not be read."""

    model: str
    field: str
    labels: tuple[str, ...]
    """All labels of the head."""
    n_calibration: int
    """Held-out tracks that its probabilities were calibrated on; 0: they are not calibrated."""
    origin: str
    """`trained` with the network, or `fitted` to its vectors afterwards."""
    tracks: tuple[ClassifiedTrack, ...]
    failed: tuple[Failure, ...] = ()

    def to_json(self, *, top: int | None = None) -> Json:
        """The fields by their names."""
        return {
            "model": self.model,
            "field": self.field,
            "all_labels": list(self.labels),
            "calibrated_on": self.n_calibration,
            "origin": self.origin,
            "tracks": [track.to_json(top=top) for track in self.tracks],
            "failed": [failure.to_json() for failure in self.failed],
        }
