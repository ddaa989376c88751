"""Calibration: whether predictions with a probability of 0.8 are right 80 % of the time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedder.metrics.bootstrap import Interval
from embedder.metrics.ranking import Ids

Values = npt.NDArray[np.float64]
MIN_GROUPS = 2
"""Every draw of a single group is the same."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins of equal width over the probability; an empty bin has NaN for both means."""

    edges: Values
    counts: npt.NDArray[np.int64]
    probability: Values
    """The mean probability in each bin."""
    accuracy: Values
    """The share of right answers in each bin."""
    expected_error: float
    """Mean gap between the two, weighted by the counts (Naeini et al. 2015)."""


def reliability(
    probabilities: npt.NDArray[np.floating], labels: Ids, *, n_bins: int = 15
) -> Reliability:
    """Of the most probable label of each query. probabilities: [queries, labels]."""
    is_known = labels >= 0
    largest = np.asarray(probabilities[is_known].max(axis=1, initial=0.0), dtype=np.float64)
    correct = probabilities[is_known].argmax(axis=1) == labels[is_known]
    return binary_reliability(largest, correct, n_bins=n_bins)


def expected_error_interval(
    probability: npt.NDArray[np.floating],
    correct: npt.ArrayLike,
    *,
    groups: Ids,
    owners: Ids,
    generator: np.random.Generator,
    n_bins: int = 15,
    n_draws: int = 1000,
    level: float = 0.95,
) -> Interval:
    """The expected error of predictions [n], with an interval by drawing whole groups.

    owners: the track of each prediction; groups: its group, -1: the track is its own group.
    """
    bins = _bins(probability, n_bins)
    labels = np.where(groups < 0, groups.max(initial=0) + 1 + owners, groups)
    _, rows = np.unique(labels, return_inverse=True)
    n_groups = int(rows.max(initial=-1)) + 1
    gaps = np.zeros((n_groups, n_bins))
    right = np.asarray(correct, dtype=np.float64)
    np.add.at(gaps, (rows, bins), np.asarray(probability, dtype=np.float64) - right)
    counts = np.bincount(rows, minlength=n_groups).astype(np.float64)
    error = float(np.abs(gaps.sum(axis=0)).sum() / counts.sum()) if n_groups else float("nan")
    if n_groups < MIN_GROUPS:
        return Interval(error, float("nan"), float("nan"), level)
    draws = generator.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n_draws)
    errors = np.abs(draws @ gaps).sum(axis=1) / (draws @ counts)
    low, high = np.quantile(errors, [(1 - level) / 2, (1 + level) / 2])
    return Interval(error, float(low), float(high), level)


def binary_reliability(
    probability: npt.NDArray[np.floating], correct: npt.ArrayLike, *, n_bins: int = 15
) -> Reliability:
    """probability: 0…1 [n]; correct: whether it was right [n]. A bin holds its upper edge."""
    predicted = np.asarray(probability, dtype=np.float64)
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    bins = _bins(predicted, n_bins)
    counts = np.bincount(bins, minlength=n_bins)
    filled = np.maximum(counts, 1)
    mean_predicted = np.bincount(bins, weights=predicted, minlength=n_bins) / filled
    right = np.asarray(correct, dtype=np.float64)
    mean_right = np.bincount(bins, weights=right, minlength=n_bins) / filled
    gaps = np.abs(mean_predicted - mean_right) * counts
    empty = counts == 0
    return Reliability(
        edges=edges,
        counts=counts.astype(np.int64),
        probability=np.where(empty, np.nan, mean_predicted),
        accuracy=np.where(empty, np.nan, mean_right),
        expected_error=float(gaps.sum() / len(predicted)) if len(predicted) else float("nan"),
    )


def _bins(probability: npt.NDArray[np.floating], n_bins: int) -> npt.NDArray[np.int64]:
    """The bin of each probability; a bin holds its upper edge."""
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    return np.clip(np.searchsorted(edges, probability, side="left") - 1, 0, n_bins - 1)
