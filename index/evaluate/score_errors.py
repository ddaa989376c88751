"""Whether scores come true on tracks that took no part in their fit.

In each round, the curve is fitted to pairs of reference tracks, as `index` fits it to a library.
The queries of the round, whose artists are not among them, are then paired with all tracks, own
artist included, since a score is about sharing a label or an artist. Copies are no pairs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.metrics.bootstrap import Interval
from embedder.metrics.calibration import (
    Reliability,
    binary_reliability,
    expected_error_interval,
)
from embedder.metrics.id_sets import IdSets, share_any
from embedder.metrics.ranking import Ids
from embedder.models.card import read_card
from index.evaluate.material import Material
from index.evaluate.results import Json
from index.evaluate.rounds import Round
from index.evaluate.settings import EvaluationSettings
from index.evaluate.vector_set import VectorSet
from index.vectors.calibration import CARD_KEY, Calibration
from index.vectors.distances import Space, distances_between
from index.vectors.score_curve import DEFAULT_BASE_RATE, ScoreCurve, expected_curve
from index.vectors.score_fit import ScorePairs, fit_score_curve, octave_weights

N_BINS = 10
N_NEAREST = 10
MAX_FITTED = 400
MAX_REFERENCES = 4000
MAX_QUERIES = 2000
N_RANDOM = 500
PRIOR_QUERIES = 5


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Scores of some pairs, and whether they came true; float64, bool and int64 [n]."""

    scores: NDArray[np.float64]
    is_alike: NDArray[np.bool_]
    queries: Ids
    """The query of each pair, as a position in the data set."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreErrors:
    """Scores of random pairs, and of each query with its nearest tracks."""

    random: PairScores
    nearest: PairScores


def measure_scores(
    vector_set: VectorSet, material: Material, rounds: tuple[Round, ...], *, seed: int
) -> ScoreErrors | None:
    """Scores of all rounds; None without rounds in which no query is a reference."""
    if not rounds:
        return None
    calibration, alike = _calibration(vector_set), _alike_sets(material)
    parts = [
        _in_round(vector_set, material, some, calibration, alike, np.random.default_rng([seed, n]))
        for n, some in enumerate(rounds)
    ]
    random, nearest = (
        PairScores(
            np.concatenate([pairs.scores for pairs in kind]),
            np.concatenate([pairs.is_alike for pairs in kind]),
            np.concatenate([pairs.queries for pairs in kind]),
        )
        for kind in zip(*parts, strict=True)
    )
    return ScoreErrors(random, nearest) if len(random.scores) else None


def score_errors_json(
    errors: ScoreErrors | None, material: Material, settings: EvaluationSettings
) -> Json | None:
    """The errors with their intervals, and the curve of the nearest."""
    if errors is None:
        return None
    curve = reliability_of(errors.nearest)
    return {
        "n_queries": len(np.unique(errors.nearest.queries)),
        "random": _error_json(errors.random, material, settings),
        "nearest": _error_json(errors.nearest, material, settings),
        "edges": curve.edges.tolist(),
        "counts": curve.counts.tolist(),
        "probability": curve.probability.tolist(),
        "accuracy": curve.accuracy.tolist(),
    }


def reliability_of(pairs: PairScores) -> Reliability:
    """In ten bins."""
    return binary_reliability(pairs.scores, pairs.is_alike, n_bins=N_BINS)


def _error_json(pairs: PairScores, material: Material, settings: EvaluationSettings) -> Json:
    error: Interval = expected_error_interval(
        pairs.scores,
        pairs.is_alike,
        groups=material.artists[pairs.queries],
        owners=pairs.queries,
        generator=np.random.default_rng([settings.seed, 37]),
        n_bins=N_BINS,
        n_draws=settings.n_draws,
    )
    return {
        "n_pairs": len(pairs.scores),
        "alike_share": float(pairs.is_alike.mean()),
        "mean_score": float(pairs.scores.mean()),
        "expected_error": error.mean,
        "expected_error_ci95": [error.low, error.high],
    }


def _in_round(
    vector_set: VectorSet,
    material: Material,
    some: Round,
    calibration: Calibration,
    alike: IdSets,
    generator: np.random.Generator,
) -> tuple[PairScores, PairScores]:
    """The scores of a round's random pairs and nearest pairs."""
    space = _space(vector_set)
    vectors = space.to_unit(vector_set.scaled_by(some.references))
    curve = _fitted(vectors, space, material, some.references, calibration, alike, generator)
    others = np.union1d(some.queries, some.references)
    random: list[tuple[NDArray[np.float64], NDArray[np.bool_], Ids]] = []
    nearest: list[tuple[NDArray[np.float64], NDArray[np.bool_], Ids]] = []
    queries = _some(some.queries, MAX_QUERIES, generator)
    for query, distances, is_alike in _rows(vectors, space, material, queries, others, alike):
        order = np.argsort(distances, kind="stable")
        chosen = generator.choice(len(order), min(N_RANDOM, len(order)), replace=False)
        for pairs, places in ((random, chosen), (nearest, order[:N_NEAREST])):
            scores = curve.scores_at(distances[places])
            pairs.append((scores, is_alike[places], np.full(len(places), query, dtype=np.int64)))
    return _joined(random), _joined(nearest)


def _fitted(
    vectors: NDArray[np.float32],
    space: Space,
    material: Material,
    references: Ids,
    calibration: Calibration,
    alike: IdSets,
    generator: np.random.Generator,
) -> ScoreCurve:
    others = _some(references, MAX_REFERENCES, generator)
    queries = _some(others, MAX_FITTED, generator)
    rows = list(_rows(vectors, space, material, queries, others, alike))
    distances = np.concatenate([row for _, row, _ in rows])
    is_alike = np.concatenate([row for _, _, row in rows])
    ranks = np.concatenate([row.argsort().argsort() + 1.0 for _, row, _ in rows])
    owners = np.repeat(np.arange(len(rows)), [len(row) for _, row, _ in rows])
    n_queries = len(queries)
    share = (float(is_alike.mean()) * n_queries + DEFAULT_BASE_RATE * PRIOR_QUERIES) / (
        n_queries + PRIOR_QUERIES
    )
    weights, is_random = octave_weights(owners, ranks), np.ones(len(ranks), dtype=bool)
    pairs = ScorePairs(distances, is_alike, weights, is_random)
    return fit_score_curve(pairs, expected_curve(calibration, share, distances))


def _rows(
    vectors: NDArray[np.float32],
    space: Space,
    material: Material,
    queries: Ids,
    others: Ids,
    alike: IdSets,
) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.bool_]]]:
    """Each query with its distances to all others, and which are alike; without its copies."""
    sets_of_others, rows = alike.at(others), np.arange(len(others))[None]
    for query in queries.tolist():
        distances = distances_between(space, vectors[query][None], vectors[others])[0]
        is_alike = share_any(alike.at(np.array([query])), sets_of_others, rows)[0]
        is_other = material.repeats[others] != material.repeats[query]
        if is_other.any():
            yield query, distances[is_other].astype(np.float64), is_alike[is_other]


def _joined(
    pairs: list[tuple[NDArray[np.float64], NDArray[np.bool_], Ids]],
) -> PairScores:
    if not pairs:
        return PairScores(np.empty(0), np.empty(0, dtype=bool), np.empty(0, dtype=np.int64))
    return PairScores(*(np.concatenate(column) for column in zip(*pairs, strict=True)))


def _some(rows: Ids, n: int, generator: np.random.Generator) -> Ids:
    if len(rows) <= n:
        return rows
    return np.asarray(np.sort(generator.choice(rows, n, replace=False)))


def _alike_sets(material: Material) -> IdSets:
    """A number for each label and each artist of a track."""
    n_labels, artists = material.tags.shape[1], material.artist_sets
    bounds = zip(artists.offsets[:-1].tolist(), artists.offsets[1:].tolist(), strict=True)
    return IdSets.of(
        [
            [
                *np.flatnonzero(material.tags[row]).tolist(),
                *(artists.ids[first:last] + n_labels).tolist(),
            ]
            for row, (first, last) in enumerate(bounds)
        ]
    )


def _space(vector_set: VectorSet) -> Space:
    geometry = vector_set.geometry
    return Space(geometry.kind, float(getattr(geometry, "curvature", 1.0)))


def _calibration(vector_set: VectorSet) -> Calibration:
    """The model's own curve, if its card has one."""
    if vector_set.model_folder is not None:
        facts = read_card(vector_set.model_folder).facts
        if CARD_KEY in facts:
            return Calibration.from_json(facts[CARD_KEY])
    return Calibration.uncalibrated(_space(vector_set))
