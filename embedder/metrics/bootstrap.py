"""Confidence intervals by the bootstrap, drawing whole groups.

Tracks of one artist tend to be right or wrong together, so drawing single tracks would give an
interval that is too narrow. Groups (artists) are drawn with replacement, and each brings all of
its tracks (Davison and Hinkley 1997, section 3.8). A single group gives no interval. NaN values
(queries that do not count) are left out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedder.errors import UsageError
from embedder.metrics.ranking import Ids

Values = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the bounds of its interval at the given level; NaN: not known."""

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
    """The interval of the mean of values [n]. groups: [n], -1: the track is its own group.

    The bounds are NaN if all values are of one group: every draw would give the same mean.
    """
    is_counted = ~np.isnan(values)
    if not is_counted.any():
        raise UsageError("no values for an interval: every query was left out")
    sums, counts = _by_group(values[is_counted], None if groups is None else groups[is_counted])
    mean = float(sums.sum() / counts.sum())
    if len(sums) == 1:
        return Interval(mean, float("nan"), float("nan"), level)
    group_draws = generator.multinomial(
        len(sums), np.full(len(sums), 1.0 / len(sums)), size=n_draws
    ).astype(np.float64)
    means = (group_draws @ sums) / (group_draws @ counts)
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
    """The interval of first - second on the same queries; if all above 0, the first is better."""
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
    is_alone = ids < 0
    ids[is_alone] = ids.max(initial=0) + 1 + np.arange(is_alone.sum())
    _, group_numbers = np.unique(ids, return_inverse=True)
    sums = np.bincount(group_numbers, weights=values).astype(np.float64)
    return sums, np.bincount(group_numbers).astype(np.float64)
