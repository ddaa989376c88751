"""Calibration: whether predictions with a probability of 0.8 are right 80 % of the time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedder.metrics.ranking import Ids

Values = npt.NDArray[np.float64]


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


def binary_reliability(
    probability: npt.NDArray[np.floating], correct: npt.ArrayLike, *, n_bins: int = 15
) -> Reliability:
    """probability: 0…1 [n]; correct: whether it was right [n]. A bin holds its upper edge."""
    predicted = np.asarray(probability, dtype=np.float64)
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    bins = np.clip(np.searchsorted(edges, predicted, side="left") - 1, 0, n_bins - 1)
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
