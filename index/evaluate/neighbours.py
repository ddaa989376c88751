"""Retrieval and the neighbours' vote, round by round: values for each track of the set.

Every array has a row for each track; those that were not asked are NaN, or have no votes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.metrics.ranking import (
    Apart,
    Ranking,
    count_relevant,
    count_tag_relevant,
    neighbour_ranking,
)
from embedder.metrics.retrieval import (
    average_precision,
    binary_ideal_gains,
    hit_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
    relevance,
    tag_recall_at_k,
    tag_relevance,
)
from embedder.metrics.voting import neighbour_vote
from embedder.metrics.whole_ranking import one_hot, whole_average_precision
from index.evaluate.material import Material
from index.evaluate.rounds import Round
from index.evaluate.settings import TAGS_SHOWN_AT, EvaluationSettings
from index.evaluate.vector_set import VectorSet

Values = NDArray[np.float64]

N_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found: measure → k → values [tracks]; `map` has no k."""

    at_k: dict[str, dict[int, Values]]
    average_precision: Values
    shares: NDArray[np.float64]
    """[tracks, labels]: how the k nearest voted."""


def retrieve(
    vector_set: VectorSet,
    material: Material,
    rounds: tuple[Round, ...],
    settings: EvaluationSettings,
) -> Retrieval:
    """All retrieval figures of the clean rounds."""
    n_tracks = len(material.labels)
    measures = ["precision", "recall", "map", "ndcg", "hit"]
    at_k = {name: {k: np.full(n_tracks, np.nan) for k in settings.shown_at} for name in measures}
    if material.is_multi_label:
        at_k["tag_recall"] = {k: np.full(n_tracks, np.nan) for k in TAGS_SHOWN_AT}
    whole = np.full(n_tracks, np.nan)
    shares = np.zeros((n_tracks, len(material.label_names)))
    for one in rounds:
        vectors = vector_set.scaled_by(one.references)
        apart = material.apart(one.queries, one.references)
        ranking = _ranked(vectors, vector_set, one, apart=apart, k=settings.depth)
        shares[one.queries] = vote(material, one, ranking.top(settings.k))
        for name, values in _figures(material, one, ranking, apart, settings).items():
            for k, per_query in values.items():
                at_k[name][k][one.queries] = per_query
        tags = _relevant_tags(material)
        whole[one.queries] = whole_average_precision(
            vectors[one.queries],
            vectors[one.references],
            tags[one.queries],
            tags[one.references],
            geometry=vector_set.geometry,
            apart=apart,
            same_set=one.same_set,
        )
    return Retrieval(at_k, whole, shares)


def votes_of(
    vector_set: VectorSet,
    material: Material,
    one: Round,
    *,
    k: int,
    is_leaky: bool = False,
) -> NDArray[np.float64]:
    """The shares of the k nearest's votes [queries, labels] in one round.

    A leaky round keeps nobody apart but the query from itself.
    """
    vectors = vector_set.scaled_by(one.references)
    apart = [] if is_leaky else material.apart(one.queries, one.references)
    return vote(material, one, _ranked(vectors, vector_set, one, apart=apart, k=k))


def vote(material: Material, one: Round, ranking: Ranking) -> NDArray[np.float64]:
    """A neighbour has one vote; where it has several labels, each gets its part."""
    if not material.is_multi_label:
        return neighbour_vote(
            ranking, material.labels[one.references], n_labels=len(material.label_names)
        )
    tags = material.tags[one.references]
    votes = tags / np.maximum(tags.sum(axis=1, keepdims=True, dtype=np.float64), 1.0)
    places = ranking.take(votes) * ranking.found[:, :, None]
    # Thirds and sixths do not add up exactly, and labels with as many votes must tie.
    counts = np.asarray(places.sum(axis=1), dtype=np.float64).round(N_DIGITS)
    totals = counts.sum(axis=1, keepdims=True)
    return np.asarray(counts / np.where(totals > 0, totals, 1.0))


def correct_votes(material: Material, shares: NDArray[np.floating]) -> Values:
    """1 where the label with most votes is (one of) the track's, NaN without votes or label."""
    guessed = shares.argmax(axis=1)
    is_right = material.tags[np.arange(len(guessed)), guessed] > 0
    counts = (shares.sum(axis=1) > 0) & (material.labels >= 0)
    return np.where(counts, is_right, np.nan)


def _ranked(
    vectors: NDArray[np.float32],
    vector_set: VectorSet,
    one: Round,
    *,
    apart: list[Apart],
    k: int,
) -> Ranking:
    return neighbour_ranking(
        vectors[one.queries],
        vectors[one.references],
        geometry=vector_set.geometry,
        k=k,
        apart=apart,
        same_set=one.same_set,
    )


def _relevant_tags(material: Material) -> NDArray[np.float32]:
    if material.is_multi_label:
        return material.tags
    return one_hot(material.labels, len(material.label_names))


def _figures(
    material: Material,
    one: Round,
    ranking: Ranking,
    apart: list[Apart],
    settings: EvaluationSettings,
) -> dict[str, dict[int, Values]]:
    found: dict[str, dict[int, Values]] = {}
    if material.is_multi_label:
        asked, shown = material.tags[one.queries], material.tags[one.references]
        relevant = tag_relevance(ranking, asked, shown)
        n_relevant = count_tag_relevant(asked, shown, apart=apart, same_set=one.same_set)
        found["tag_recall"] = {
            k: tag_recall_at_k(ranking, asked, shown, k=k) for k in TAGS_SHOWN_AT
        }
    else:
        labels, others = material.labels[one.queries], material.labels[one.references]
        relevant = relevance(ranking, labels, others)
        n_relevant = count_relevant(labels, others, apart=apart, same_set=one.same_set)
    gains = relevant.astype(np.float64)
    for k in settings.shown_at:
        values = {
            "precision": precision_at_k(relevant, n_relevant, k=k),
            "recall": recall_at_k(relevant, n_relevant, k=k),
            "map": average_precision(relevant[:, :k], n_relevant),
            "ndcg": ndcg_at_k(gains, binary_ideal_gains(n_relevant, k=k), k=k),
            "hit": hit_at_k(relevant, n_relevant, k=k),
        }
        for name, per_query in values.items():
            found.setdefault(name, {})[k] = per_query
    return found
