"""When a label begins and ends, without flicker: two thresholds and a hold time.

probability   upper ─ ─ ─╱▔▔╲─ ─ ╱▔▔▔╲─ ─ ─ ─ ─
              lower ─ ─ ╱─ ─ ╲▁▁╱─ ─ ─╲─ ─ ─ ─
                        begins          ends, `hold` seconds after it fell below lower
"""

from dataclasses import dataclass
from typing import Literal

from soundalike.live.heard import UNKNOWN, Heard

SILENCE = "silence"
DEFAULT_UPPER = 0.5
LOWER_SHARE = 0.7
"""The lower threshold is this share of the upper one."""
Moment = Literal["begin", "end"]


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """A label begins or ends."""

    label: str
    moment: Moment
    seconds: float
    probability: float


class LabelEvents:
    """Watches one label: one of the model's, `unknown` or `silence`."""

    def __init__(self, label: str, *, threshold: float = 0.0, hold_seconds: float = 1.0) -> None:
        self.label = label
        self.upper = threshold or DEFAULT_UPPER
        self.lower = self.upper * LOWER_SHARE
        self._hold_seconds = hold_seconds
        self._is_on = False
        self._low_since: float | None = None

    def add(self, heard: Heard) -> LabelEvent | None:
        """What happens at an answer, if anything does."""
        probability = self._probability(heard)
        if not self._is_on:
            if probability < self.upper:
                return None
            self._is_on, self._low_since = True, None
            return LabelEvent(self.label, "begin", heard.seconds, probability)
        if probability >= self.lower:
            self._low_since = None
            return None
        if self._low_since is None:
            self._low_since = heard.seconds
        if heard.seconds - self._low_since < self._hold_seconds:
            return None
        return self._end(heard.seconds, probability)

    def finish(self, seconds: float) -> LabelEvent | None:
        """The end of the sound ends every label."""
        return self._end(seconds, 0.0) if self._is_on else None

    def _end(self, seconds: float, probability: float) -> LabelEvent:
        self._is_on, self._low_since = False, None
        return LabelEvent(self.label, "end", seconds, probability)

    def _probability(self, heard: Heard) -> float:
        if self.label in heard.probabilities:
            return heard.probabilities[self.label]
        if self.label == SILENCE:
            return float(heard.silence)
        return float(self.label == UNKNOWN and heard.label == UNKNOWN)
