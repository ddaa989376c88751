"""Neighbours vote on a label; how often they are right."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score

from embedder.metrics.ranking import Ids, Ranking

Weighting = Literal["uniform", "distance"]


@dataclass(frozen=True, slots=True)
class VoteScores:
    """confusion: int64 [labels, labels], true label by guessed label; queries without a known
    label or without any voter count in none of the numbers but `n_without_vote`.
    """

    accuracy: float
    macro_f1: float
    confusion: npt.NDArray[np.int64]
    correct: npt.NDArray[np.float64]
    """1 or 0 for each query, NaN where it did not count: what the bootstrap takes."""
    n_without_vote: int


def neighbour_vote(
    ranking: Ranking, reference_labels: Ids, *, n_labels: int, weighting: Weighting = "uniform"
) -> npt.NDArray[np.float64]:
    """Shares of the votes, float64 [queries, labels]; rows sum to one, or to zero without voters.

    Weighted by distance, a vote counts 1 / distance, and a distance of zero outvotes all others
    (as in scikit-learn). Neighbours without a known label do not vote.
    """
    labels = np.asarray(ranking.take(reference_labels), dtype=np.int64)
    votes = ranking.found & (labels >= 0)
    weights = votes.astype(np.float64)
    if weighting == "distance":
        weights *= _inverse_distances(ranking, votes)
    shares = np.zeros((len(labels), n_labels))
    asked = np.broadcast_to(np.arange(len(labels))[:, None], labels.shape)
    np.add.at(shares, (asked[votes], labels[votes]), weights[votes])
    totals = shares.sum(axis=1, keepdims=True)
    return np.asarray(shares / np.where(totals > 0, totals, 1.0))


def vote_scores(shares: npt.NDArray[np.floating], labels: Ids) -> VoteScores:
    """Scores of the label with the largest share; a tie goes to the lower label."""
    guessed = shares.argmax(axis=1)
    voted = shares.sum(axis=1) > 0
    counts = voted & (labels >= 0)
    n_labels = shares.shape[1]
    correct = np.where(counts, guessed == labels, np.nan)
    confusion = confusion_matrix(labels[counts], guessed[counts], n_labels=n_labels)
    some = bool(counts.any())
    macro = (
        f1_score(labels[counts], guessed[counts], average="macro", zero_division=0.0)
        if some
        else float("nan")
    )
    return VoteScores(
        accuracy=float(np.nanmean(correct)) if some else float("nan"),
        macro_f1=float(macro),
        confusion=confusion,
        correct=correct,
        n_without_vote=int(((labels >= 0) & ~voted).sum()),
    )


def confusion_matrix(labels: Ids, guessed: Ids, *, n_labels: int) -> npt.NDArray[np.int64]:
    """How often each label (row) was taken for each (column)."""
    counts = np.bincount(labels * n_labels + guessed, minlength=n_labels**2)
    return counts.reshape(n_labels, n_labels).astype(np.int64)


def _inverse_distances(ranking: Ranking, votes: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    distances = np.where(votes, ranking.distances, 1.0).astype(np.float64)
    touching = votes & (distances == 0)
    inverse = 1.0 / np.where(touching, 1.0, distances)
    any_touching = touching.any(axis=1, keepdims=True)
    return np.where(any_touching, touching.astype(np.float64), inverse)
