"""The settings of `listen`."""

import math
from dataclasses import dataclass

from embedder.errors import UsageError

LIVE_HOP_SECONDS = 0.25
LEAST_WINDOW_SECONDS = 0.25
LEAST_HOP_SECONDS = 0.05
MOST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """How sound is cut into windows, and how their probabilities become labels."""

    window_seconds: float = 2.0
    hop_seconds: float | None = None
    """From one window to the next. None: 0.25, and a whole window at full speed."""
    smoothing_seconds: float = 1.0
    """The probabilities of all windows that end in this time are averaged."""
    threshold: float = 0.0
    """The label is `unknown` if its probability is lower."""
    n_neighbours: int = 5
    """How many of the library's nearest tracks each answer has."""
    silence_db: float = -60.0
    """A window without anything louder is silence. Decibels below full scale."""

    def __post_init__(self) -> None:
        _check("window", self.window_seconds, LEAST_WINDOW_SECONDS, MOST_SECONDS)
        if self.hop_seconds is not None:
            _check("hop", self.hop_seconds, LEAST_HOP_SECONDS, MOST_SECONDS)
        _check("smoothing", self.smoothing_seconds, 0.0, MOST_SECONDS)
        _check("threshold", self.threshold, 0.0, 1.0)
        _check("silence", self.silence_db, -100.0, 0.0)
        if self.n_neighbours < 0:
            raise UsageError(f"neighbours = {self.n_neighbours}: give 0 or more")

    def hop_for(self, *, is_live: bool) -> float:
        """The seconds from one window to the next."""
        if self.hop_seconds is not None:
            return self.hop_seconds
        return LIVE_HOP_SECONDS if is_live else self.window_seconds

    def n_smoothed(self, hop_seconds: float) -> int:
        """How many windows are averaged."""
        return max(round(self.smoothing_seconds / hop_seconds), 1)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise UsageError(f"{name} = {value:g}: give {low:g} to {high:g}")
