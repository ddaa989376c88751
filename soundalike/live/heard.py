"""What `listen` answers with. JSON field names are stable: added to, never renamed."""

from dataclasses import dataclass

from index.catalogue.records import Json
from index.search.results import Neighbour

UNKNOWN = "unknown"
"""The label if no label is probable enough."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer at one moment."""

    seconds: float
    """The end of the window, since the beginning of the sound."""
    field: str
    label: str | None
    """The most probable label, `unknown` below the threshold, None in silence."""
    labels: tuple[str, ...]
    """The label; of tags, all that are probable enough. Empty if unknown or silent."""
    probability: float | None
    probabilities: dict[str, float]
    """Smoothed, in the order of the model's labels; empty in silence."""
    neighbours: tuple[Neighbour, ...]
    level: float
    """Of the newest sound, in decibels below full scale."""
    silence: bool
    latency_seconds: float
    """From the end of the window to this answer."""
    begins_seconds: float | None = None
    ends_seconds: float | None = None
    """Where the window's sound is, between silence at its ends; None in silence."""
    n_left_out: int = 0
    """Windows that were left out just before, because the machine was too slow."""

    def to_json(self) -> Json:
        """The fields by their names."""
        return {
            "seconds": round(self.seconds, 3),
            "field": self.field,
            "label": self.label,
            "labels": list(self.labels),
            "probability": self.probability,
            "probabilities": self.probabilities,
            "neighbours": [neighbour.to_json() for neighbour in self.neighbours],
            "level": round(self.level, 1),
            "silence": self.silence,
            "latency_seconds": round(self.latency_seconds, 4),
            "begins_seconds": self.begins_seconds,
            "ends_seconds": self.ends_seconds,
            "n_left_out": self.n_left_out,
        }


@dataclass(frozen=True, slots=True)
class ListenSummary:
    """What a run did, for a person who ends it."""

    seconds: float
    """How much sound there was."""
    n_windows: int
    n_silent: int
    n_left_out: int
    latency_seconds: float | None
    """The median, over the newest windows."""
    latency95_seconds: float | None
    """95 of 100 answers came sooner."""
    core_share: float
    """Processor time by elapsed time: 1 is one core."""
    is_live: bool = True
    elapsed_seconds: float = 0.0

    def to_json(self) -> Json:
        """The fields by their names."""
        return {
            "seconds": round(self.seconds, 3),
            "n_windows": self.n_windows,
            "n_silent": self.n_silent,
            "n_left_out": self.n_left_out,
            "latency_seconds": self.latency_seconds,
            "latency95_seconds": self.latency95_seconds,
            "core_share": round(self.core_share, 3),
            "elapsed_seconds": round(self.elapsed_seconds, 3),
        }

    def __str__(self) -> str:
        text = f"{self.n_windows} windows in {self.seconds:.1f} s of sound"
        if self.n_silent:
            text += f", {self.n_silent} of them silent"
        if self.n_left_out:
            text += f", {self.n_left_out} left out"
        if not self.is_live:
            text += f"; {self.seconds / max(self.elapsed_seconds, 1e-9):.1f} times real time"
        elif self.latency_seconds is not None and self.latency95_seconds is not None:
            text += (
                f"; latency {1000 * self.latency_seconds:.0f} ms "
                f"(95 %: {1000 * self.latency95_seconds:.0f} ms)"
            )
        return f"{text}; {self.core_share:.0%} of a core"
