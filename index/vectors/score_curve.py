"""From a distance to a score: how probable it is that two tracks share a label or an artist.

The curve is a straight line from knot to knot in log-odds, and falls everywhere, so that different
distances have different scores. It goes on beyond the last knot.

A model's card holds a curve of balanced pairs: as many alike as not. Its odds are a likelihood
ratio, which times the odds of a random pair of a library gives the curve for this library.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact
from index.vectors.calibration import Calibration

Values = NDArray[np.float64]

DEFAULT_BASE_RATE = 0.1
"""The share of alike pairs in a library without tags: that of ten equally frequent genres."""
LEAST = 0.005
"""A card's scores are read between this and 1 less this, since certainty has no odds."""
LEAST_FALL = 1e-3
"""In nats, from knot to knot at least."""
AT_ZERO = 0.995
"""The least score of two tracks with the same vector."""
NEAR_ZERO = 0.01
"""A curve that is lower at 0 rises to `AT_ZERO` in this part of its first line."""
N_HALVINGS = 30
HIGHEST = 12.0
"""In nats. Scores nearer to 1 would round to equal numbers."""


@dataclass(frozen=True, slots=True)
class ScoreCurve:
    """Log-odds at ascending distances, falling."""

    distances: tuple[float, ...]
    log_odds: tuple[float, ...]

    def __post_init__(self) -> None:
        ascending = all(first < second for first, second in pairwise(self.distances))
        falling = all(first > second for first, second in pairwise(self.log_odds))
        if len(self.distances) != len(self.log_odds) or len(self.distances) < 2:
            raise CorruptArtefact("a score's curve needs two distances or more, and odds for each")
        if not (ascending and falling and np.isfinite([*self.distances, *self.log_odds]).all()):
            raise CorruptArtefact("a score's curve must fall with the distance")

    def log_odds_at(self, distances: NDArray[np.floating]) -> Values:
        """Log-odds for distances of any shape; beyond the last knot, the last line goes on."""
        apart = np.asarray(distances, dtype=np.float64)
        inside: Values = np.interp(apart, self.distances, self.log_odds)
        (first, last), (upper, lower) = self.distances[-2:], self.log_odds[-2:]
        beyond = np.maximum(apart - last, 0) * ((upper - lower) / (last - first))
        return np.asarray(inside - np.where(np.isfinite(beyond), beyond, np.inf))

    def scores_at(self, distances: NDArray[np.floating]) -> Values:
        """Probabilities for distances of any shape: 0 at an infinite distance."""
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-self.log_odds_at(distances))))

    def to_json(self) -> dict[str, Any]:
        """The form in a library's settings."""
        return {"distances": list(self.distances), "log_odds": list(self.log_odds)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ScoreCurve":
        """From a library's settings; raises CorruptArtefact if it is not valid."""
        try:
            distances = tuple(float(value) for value in content["distances"])
            return cls(distances, tuple(float(value) for value in content["log_odds"]))
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptArtefact(f"the curve of the scores: {error!r}") from error


def expected_curve(
    calibration: Calibration,
    alike_share: float = DEFAULT_BASE_RATE,
    random_distances: NDArray[np.floating] | None = None,
) -> ScoreCurve:
    """The curve of a model in a library with this share of alike pairs, as its card expects it.

    random_distances: of random pairs of the library. Their mean score becomes the share: music
    that differs from the model's training music lies nearer together, or farther apart.
    """
    share = float(np.clip(alike_share, LEAST, 1 - LEAST))
    distances = np.asarray(calibration.distances)
    log_odds = _log_odds(np.asarray(calibration.scores))
    curve = falling_curve(distances, log_odds + float(_log_odds(np.array(share))))
    if random_distances is None or not len(random_distances):
        return _sure_at_zero(curve)
    of_pairs = curve.log_odds_at(random_distances)
    low, high = -2 * HIGHEST, 2 * HIGHEST
    for _ in range(N_HALVINGS):
        middle = (low + high) / 2
        is_low = np.mean(1 / (1 + np.exp(-of_pairs - middle))) < share
        low, high = (middle, high) if is_low else (low, middle)
    return _sure_at_zero(falling_curve(distances, np.asarray(curve.log_odds) + (low + high) / 2))


def _sure_at_zero(curve: ScoreCurve) -> ScoreCurve:
    """The curve, with a score of `AT_ZERO` at least for two tracks with the same vector."""
    same, first = float(_log_odds(np.array(AT_ZERO))), curve.distances[0]
    if curve.log_odds[0] >= same:
        return curve
    near = first + NEAR_ZERO * (curve.distances[1] - first)
    level = float(curve.log_odds_at(np.array(near)))
    distances = (first, near, *curve.distances[1:])
    return ScoreCurve(distances, (same, level, *curve.log_odds[1:]))


def falling_curve(distances: Values, log_odds: Values) -> ScoreCurve:
    """A curve through these log-odds, which may stay level: it then falls as little as it may."""
    falls = np.maximum(-np.diff(log_odds), LEAST_FALL)
    lowered = min(float(log_odds[0]), HIGHEST) - np.concatenate([[0.0], np.cumsum(falls)])
    return ScoreCurve(tuple(distances.tolist()), tuple(lowered.tolist()))


def _log_odds(scores: Values) -> Values:
    clipped = np.clip(scores, LEAST, 1 - LEAST)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))
