"""Intervals by drawing again, whole groups at a time.

Tracks of one artist are right or wrong together; drawing tracks one by one would promise an
interval that is too narrow, and of a single artist there is nothing to draw. Groups (artists) are
drawn with replacement, and each brings all of its tracks (Davison and Hinkley 1997, section 3.8).
NaN values (queries that did not count) are left out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedder.errors import UsageError
from embedder.metrics.ranking import Ids

Values = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the bounds between which it lies at the given level; NaN where unknown."""

    mean: float
    low: float
    high: float
    level: float


def bootstrap_interval(
    values: Values,
    *,
    generator: np.random.Generator,
    groups: Ids | None = None,
    n_draws: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Of the mean of values [n]. groups: [n], -1 for a track that is a group by itself.

    The bounds are NaN where all values are of one group: every draw would give the same mean.
    """
    known = ~np.isnan(values)
    if not known.any():
        raise UsageError("no value to make an interval of: every query was left out")
    sums, counts = _by_group(values[known], None if groups is None else groups[known])
    mean = float(sums.sum() / counts.sum())
    if len(sums) == 1:
        return Interval(mean, float("nan"), float("nan"), level)
    drawn = generator.multinomial(
        len(sums), np.full(len(sums), 1.0 / len(sums)), size=n_draws
    ).astype(np.float64)
    means = (drawn @ sums) / (drawn @ counts)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high), level)


def paired_interval(
    first: Values,
    second: Values,
    *,
    generator: np.random.Generator,
    groups: Ids | None = None,
    n_draws: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Of first - second on the same queries; above zero throughout, the first is better."""
    if first.shape != second.shape:
        raise UsageError(f"pairs of different lengths: {len(first)} and {len(second)}")
    return bootstrap_interval(
        first - second, generator=generator, groups=groups, n_draws=n_draws, level=level
    )


def _by_group(
    values: Values, groups: Ids | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Sum and number of the values of each group."""
    ids = np.arange(len(values)) if groups is None else groups.copy()
    alone = ids < 0
    ids[alone] = ids.max(initial=0) + 1 + np.arange(alone.sum())
    _, position = np.unique(ids, return_inverse=True)
    sums = np.bincount(position, weights=values).astype(np.float64)
    return sums, np.bincount(position).astype(np.float64)
