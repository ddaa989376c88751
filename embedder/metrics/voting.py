"""Neighbours vote on a label, and how often the vote is right."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score

from embedder.metrics.ranking import Ids, Ranking

Weighting = Literal["uniform", "distance"]


@dataclass(frozen=True, slots=True)
class VoteScores:
    """confusion: int64 [labels, labels], true label by voted label.

    Queries without a label or without a voter count nowhere but in `n_without_vote`.
    """

    accuracy: float
    macro_f1: float
    confusion: npt.NDArray[np.int64]
    correct: npt.NDArray[np.float64]
    """1 or 0 for each query, NaN if it does not count; the bootstrap takes these."""
    n_without_vote: int


def neighbour_vote(
    ranking: Ranking, reference_labels: Ids, *, n_labels: int, weighting: Weighting = "uniform"
) -> npt.NDArray[np.float64]:
    """Shares of the votes, float64 [queries, labels]; rows sum to 1, or to 0 without voters.

    Weighted by distance, a vote counts 1 / distance, and neighbours at distance 0 outvote all
    others (as in scikit-learn). Neighbours without a label do not vote.
    """
    labels = np.asarray(ranking.take(reference_labels), dtype=np.int64)
    votes = ranking.is_filled & (labels >= 0)
    weights = votes.astype(np.float64)
    if weighting == "distance":
        weights *= _inverse_distances(ranking, votes)
    shares = np.zeros((len(labels), n_labels))
    queries = np.broadcast_to(np.arange(len(labels))[:, None], labels.shape)
    np.add.at(shares, (queries[votes], labels[votes]), weights[votes])
    totals = shares.sum(axis=1, keepdims=True)
    return np.asarray(shares / np.where(totals > 0, totals, 1.0))


def vote_scores(shares: npt.NDArray[np.floating], labels: Ids) -> VoteScores:
    """Scores of the label with the largest share; a tie goes to the lower label."""
    voted_labels = shares.argmax(axis=1)
    has_vote = shares.sum(axis=1) > 0
    is_counted = has_vote & (labels >= 0)
    n_labels = shares.shape[1]
    correct = np.where(is_counted, voted_labels == labels, np.nan)
    confusion = confusion_matrix(labels[is_counted], voted_labels[is_counted], n_labels=n_labels)
    has_any = bool(is_counted.any())
    macro = (
        f1_score(labels[is_counted], voted_labels[is_counted], average="macro", zero_division=0.0)
        if has_any
        else float("nan")
    )
    return VoteScores(
        accuracy=float(np.nanmean(correct)) if has_any else float("nan"),
        macro_f1=float(macro),
        confusion=confusion,
        correct=correct,
        n_without_vote=int(((labels >= 0) & ~has_vote).sum()),
    )


def confusion_matrix(labels: Ids, voted_labels: Ids, *, n_labels: int) -> npt.NDArray[np.int64]:
    """How often tracks with each label (row) were given each label (column)."""
    counts = np.bincount(labels * n_labels + voted_labels, minlength=n_labels**2)
    return counts.reshape(n_labels, n_labels).astype(np.int64)


def _inverse_distances(ranking: Ranking, votes: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    distances = np.where(votes, ranking.distances, 1.0).astype(np.float64)
    is_zero = votes & (distances == 0)
    inverse = 1.0 / np.where(is_zero, 1.0, distances)
    has_zero = is_zero.any(axis=1, keepdims=True)
    return np.where(has_zero, is_zero.astype(np.float64), inverse)
