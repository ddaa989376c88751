"""Does "80 %" come true eight times of ten? Reliability and the expected calibration error."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedder.metrics.ranking import Ids

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins of equal width over the confidence; confidence and accuracy are NaN in empty ones."""

    edges: Values
    counts: npt.NDArray[np.int64]
    confidence: Values
    accuracy: Values
    expected_error: float
    """Mean gap between the two, weighted by the counts (Naeini et al. 2015)."""


def reliability(
    probabilities: npt.NDArray[np.floating], labels: Ids, *, n_bins: int = 15
) -> Reliability:
    """probabilities: [queries, labels]; the confidence is that of the largest one."""
    known = labels >= 0
    confidence = np.asarray(probabilities[known].max(axis=1, initial=0.0), dtype=np.float64)
    correct = probabilities[known].argmax(axis=1) == labels[known]
    return binary_reliability(confidence, correct, n_bins=n_bins)


def binary_reliability(
    confidence: npt.NDArray[np.floating], correct: npt.ArrayLike, *, n_bins: int = 15
) -> Reliability:
    """confidence: 0…1 [n]; correct: whether it came true [n]. A bin holds its upper edge."""
    sure = np.asarray(confidence, dtype=np.float64)
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    bins = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, n_bins - 1)
    counts = np.bincount(bins, minlength=n_bins)
    filled = np.maximum(counts, 1)
    mean_sure = np.bincount(bins, weights=sure, minlength=n_bins) / filled
    right = np.asarray(correct, dtype=np.float64)
    mean_right = np.bincount(bins, weights=right, minlength=n_bins) / filled
    gaps = np.abs(mean_sure - mean_right) * counts
    empty = counts == 0
    return Reliability(
        edges=edges,
        counts=counts.astype(np.int64),
        confidence=np.where(empty, np.nan, mean_sure),
        accuracy=np.where(empty, np.nan, mean_right),
        expected_error=float(gaps.sum() / len(sure)) if len(sure) else float("nan"),
    )
