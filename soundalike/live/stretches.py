"""From answers to stretches: how long each label lasted."""

from dataclasses import dataclass

from index.catalogue.records import Json
from soundalike.live.heard import UNKNOWN, Heard

_AT_END_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Stretch:
    """A label from a start to an end, in seconds of the sound."""

    start_seconds: float
    end_seconds: float
    label: str
    probability: float
    """The mean over the stretch."""

    def to_json(self) -> Json:
        """The fields by their names."""
        return {
            "start_seconds": round(self.start_seconds, 3),
            "end_seconds": round(self.end_seconds, 3),
            "label": self.label,
            "probability": round(self.probability, 4),
        }


@dataclass(slots=True)
class _Open:
    start_seconds: float
    end_seconds: float
    """Where its sound ended in its newest answer."""
    is_at_end: bool
    """Whether that was the end of the window."""
    probabilities: list[float]


class Stretches:
    """Joins answers that have the same label.

    An answer describes the middle of what it was made from, which lies `lag_seconds` before the
    answer's time. It speaks for one hop around that middle; the first one speaks for all before,
    and the last one for all after. Silence at both ends is cut off.
    """

    def __init__(self, *, hop_seconds: float, lag_seconds: float) -> None:
        self._back_seconds = lag_seconds + hop_seconds / 2
        self._open: dict[str, _Open] = {}
        self._is_first = True

    def add(self, heard: Heard) -> list[Stretch]:
        """The stretches that this answer ends."""
        boundary = 0.0 if self._is_first else max(heard.seconds - self._back_seconds, 0.0)
        self._is_first = False
        labels = dict.fromkeys(heard.labels, 0.0)
        if heard.label == UNKNOWN and not labels:
            labels = {UNKNOWN: heard.probability or 0.0}
        labels = {name: heard.probabilities.get(name, p) for name, p in labels.items()}
        ended = [self._closed(name, boundary) for name in list(self._open) if name not in labels]
        end_seconds = heard.seconds if heard.ends_seconds is None else heard.ends_seconds
        for name, probability in labels.items():
            stretch = self._open.get(name)
            if stretch is None:
                start_seconds = max(boundary, heard.begins_seconds or 0.0)
                stretch = self._open[name] = _Open(start_seconds, 0.0, False, [])
            stretch.end_seconds = end_seconds
            stretch.is_at_end = end_seconds >= heard.seconds - _AT_END_SECONDS
            stretch.probabilities.append(probability)
        return _lasting(ended)

    def finish(self, end_seconds: float) -> list[Stretch]:
        """The stretches that last to the end of the sound."""
        for stretch in self._open.values():
            if stretch.is_at_end:
                stretch.end_seconds = end_seconds
        return _lasting([self._closed(name, end_seconds) for name in list(self._open)])

    def _closed(self, label: str, boundary: float) -> Stretch:
        stretch = self._open.pop(label)
        mean = sum(stretch.probabilities) / len(stretch.probabilities)
        return Stretch(stretch.start_seconds, min(boundary, stretch.end_seconds), label, mean)


def _lasting(stretches: list[Stretch]) -> list[Stretch]:
    """Without those that a boundary left no time for."""
    return [stretch for stretch in stretches if stretch.end_seconds > stretch.start_seconds]
