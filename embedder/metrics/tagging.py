"""ROC-AUC and PR-AUC of each tag's probabilities, and their means."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from embedder.errors import DatasetError


@dataclass(frozen=True, slots=True)
class TagScores:
    """float64 [tags]; NaN for a tag that all tracks or none have. The means leave NaN out."""

    roc_auc: npt.NDArray[np.float64]
    pr_auc: npt.NDArray[np.float64]
    macro_roc_auc: float
    macro_pr_auc: float
    n_tags_scored: int


def tag_scores(probabilities: npt.NDArray[np.floating], tags: npt.ArrayLike) -> TagScores:
    """probabilities: [tracks, tags]; tags: 0 and 1 of the same shape."""
    truth = np.asarray(tags) != 0
    if truth.shape != probabilities.shape:
        raise DatasetError(
            f"tag probabilities {list(probabilities.shape)} and tags {list(truth.shape)} differ"
        )
    share = truth.mean(axis=0) if len(truth) else np.zeros(truth.shape[1])
    scorable = np.flatnonzero((share > 0) & (share < 1))
    roc, pr = np.full(truth.shape[1], np.nan), np.full(truth.shape[1], np.nan)
    for tag in scorable:
        roc[tag] = roc_auc_score(truth[:, tag], probabilities[:, tag])
        pr[tag] = average_precision_score(truth[:, tag], probabilities[:, tag])
    return TagScores(roc, pr, _mean(roc), _mean(pr), len(scorable))


def _mean(values: npt.NDArray[np.float64]) -> float:
    scores = values[~np.isnan(values)]
    return float(scores.mean()) if len(scores) else float("nan")
