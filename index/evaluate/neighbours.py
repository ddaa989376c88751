"""Retrieval and the neighbours' vote over all rounds: values for each track of the data set.

Every array has a row for each track; it is NaN, or has no votes, for tracks that are no query.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.metrics.ranking import (
    Exclusion,
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
from embedder.metrics.whole_ranking import one_hot, whole_average_precision
from index.evaluate.material import Material
from index.evaluate.rounds import Round
from index.evaluate.settings import TAGS_SHOWN_AT, EvaluationSettings
from index.evaluate.vector_set import VectorSet
from index.evaluate.votes import vote_in

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """at_k: measure → k → values [tracks]."""

    at_k: dict[str, dict[int, Values]]
    average_precision: Values
    """Over the whole ranking."""
    probabilities: NDArray[np.float64]
    """[tracks, labels], from the vote of the k nearest."""


def retrieve(
    vector_set: VectorSet,
    material: Material,
    rounds: tuple[Round, ...],
    settings: EvaluationSettings,
) -> Retrieval:
    """The votes and all retrieval figures of the clean rounds."""
    n_tracks = len(material.labels)
    measures = ["precision", "recall", "map", "ndcg"]
    at_k = {name: {k: np.full(n_tracks, np.nan) for k in settings.shown_at} for name in measures}
    at_k["hit"] = {k: np.full(n_tracks, np.nan) for k in settings.hits_shown_at}
    if material.is_multi_label:
        at_k["tag_recall"] = {k: np.full(n_tracks, np.nan) for k in TAGS_SHOWN_AT}
    whole = np.full(n_tracks, np.nan)
    probabilities = np.zeros((n_tracks, len(material.label_names)))
    tags = _relevant_tags(material)
    for clean in rounds:
        queries, references = clean.queries, clean.references
        vectors = vector_set.scaled_by(references)
        apart = material.apart(queries, references)
        votes = vote_in(vector_set, material, clean, k=settings.k)
        probabilities[queries] = votes.probabilities
        ranking = neighbour_ranking(
            vectors[queries],
            vectors[references],
            geometry=vector_set.geometry,
            k=settings.depth,
            apart=apart,
            same_set=clean.same_set,
        )
        for name, values in _figures(material, clean, ranking, apart, settings).items():
            for k, per_query in values.items():
                at_k[name][k][queries] = per_query
        whole[queries] = whole_average_precision(
            vectors[queries],
            vectors[references],
            tags[queries],
            tags[references],
            geometry=vector_set.geometry,
            apart=apart,
            same_set=clean.same_set,
        )
    return Retrieval(at_k, whole, probabilities)


def _relevant_tags(material: Material) -> NDArray[np.float32]:
    if material.is_multi_label:
        return material.tags
    return one_hot(material.labels, len(material.label_names))


def _figures(
    material: Material,
    clean: Round,
    ranking: Ranking,
    apart: list[Exclusion],
    settings: EvaluationSettings,
) -> dict[str, dict[int, Values]]:
    figures: dict[str, dict[int, Values]] = {}
    if material.is_multi_label:
        query_tags, reference_tags = material.tags[clean.queries], material.tags[clean.references]
        relevant = tag_relevance(ranking, query_tags, reference_tags)
        n_relevant = count_tag_relevant(
            query_tags, reference_tags, apart=apart, same_set=clean.same_set
        )
        figures["tag_recall"] = {
            k: tag_recall_at_k(ranking, query_tags, reference_tags, k=k) for k in TAGS_SHOWN_AT
        }
    else:
        labels, others = material.labels[clean.queries], material.labels[clean.references]
        relevant = relevance(ranking, labels, others)
        n_relevant = count_relevant(labels, others, apart=apart, same_set=clean.same_set)
    gains = relevant.astype(np.float64)
    for k in settings.shown_at:
        values = {
            "precision": precision_at_k(relevant, n_relevant, k=k),
            "recall": recall_at_k(relevant, n_relevant, k=k),
            "map": average_precision(relevant[:, :k], n_relevant),
            "ndcg": ndcg_at_k(gains, binary_ideal_gains(n_relevant, k=k), k=k),
        }
        for name, per_query in values.items():
            figures.setdefault(name, {})[k] = per_query
    figures["hit"] = {k: hit_at_k(relevant, n_relevant, k=k) for k in settings.hits_shown_at}
    return figures
