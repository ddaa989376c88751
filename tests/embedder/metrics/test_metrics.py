"""Rankings and the metrics of them agree with loops and scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.metrics import average_precision_score, ndcg_score

from embedder.errors import UsageError
from embedder.geometry import geometry_of
from embedder.metrics import ranking as ranking_module
from embedder.metrics.neighbourhood import effective_rank, hubness, trustworthiness
from embedder.metrics.ranking import (
    Apart,
    count_relevant,
    count_tag_relevant,
    distance_ranking,
    neighbour_ranking,
)
from embedder.metrics.retrieval import (
    average_precision,
    hit_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
    relevance,
    tag_recall_at_k,
    tag_relevance,
)
from tests.embedder.metrics.comparisons_of_metrics import metric_comparisons
from tests.embedder.training.comparisons_of_objectives import Comparison

EUCLIDEAN = geometry_of("euclidean")
COMPARISONS = tuple(metric_comparisons())


def draw(seed: int = 0) -> np.random.Generator:
    """A seeded generator."""
    return np.random.default_rng(seed)


@pytest.mark.parametrize("row", COMPARISONS, ids=lambda row: row.name)
def test_every_metric_equals_its_slow_loop(row: Comparison) -> None:
    """The difference is at most 1e-5."""
    assert row.difference <= 1e-5


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 30), n_artists=st.integers(1, 12))
def test_no_query_meets_itself_or_its_own_artist(seed: int, k: int, n_artists: int) -> None:
    """With any k and few references, distances rise and no row occurs twice."""
    vectors = draw(seed).normal(size=(25, 3))
    artists = draw(seed).integers(-1, n_artists, 25)
    ranking = neighbour_ranking(
        vectors, vectors, geometry=EUCLIDEAN, k=k, apart=[Apart(artists, artists)], same_set=True
    )
    assert ranking.rows.shape == ranking.distances.shape == (25, k)
    for query, (rows, distances) in enumerate(zip(ranking.rows, ranking.distances, strict=True)):
        neighbours = rows[rows >= 0]
        n_allowed = sum(
            j != query and (artists[query] < 0 or artists[j] != artists[query]) for j in range(25)
        )
        assert len(neighbours) == len(set(neighbours.tolist())) == min(k, n_allowed)
        assert query not in neighbours
        assert artists[query] < 0 or artists[query] not in artists[neighbours]
        assert (np.diff(distances[: len(neighbours)]) >= 0).all()
        assert np.isinf(distances[len(neighbours) :]).all()


def test_ties_go_to_the_lower_row_also_at_the_last_place() -> None:
    """Copies of a track are in the order of their rows, for any k."""
    references = np.zeros((40, 2))
    references[7] = 1
    for k in (3, 10, 39):
        ranking = neighbour_ranking(np.zeros((1, 2)), references, geometry=EUCLIDEAN, k=k)
        assert ranking.rows[0].tolist() == [row for row in range(40) if row != 7][:k]


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ranking in chunks of a few rows equals a ranking in a single chunk."""
    vectors, labels = draw().normal(size=(50, 4)), draw().integers(0, 5, 50)
    tags = draw().random((50, 6)) < 0.3

    def all_counts() -> tuple[list[int], list[int], list[int]]:
        ranking = neighbour_ranking(vectors, vectors, geometry=EUCLIDEAN, k=5, same_set=True)
        counts = count_relevant(labels, labels, same_set=True)
        tagged = count_tag_relevant(tags, tags, same_set=True)
        return ranking.rows.ravel().tolist(), counts.tolist(), tagged.tolist()

    single_chunk = all_counts()
    monkeypatch.setattr(ranking_module, "_CHUNK_ENTRIES", 120)
    assert all_counts() == single_chunk


def test_a_ranking_of_distances_is_that_of_the_vectors() -> None:
    """Rankings from given distances and from vectors are the same."""
    vectors = draw().normal(size=(20, 4))
    gaps = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    before = gaps.copy()
    by_distance = distance_ranking(gaps, k=6, same_set=True)
    by_vector = neighbour_ranking(vectors, vectors, geometry=EUCLIDEAN, k=6, same_set=True)
    assert (by_distance.rows == by_vector.rows).all()
    assert (gaps == before).all()


def test_average_precision_and_ndcg_of_everything_are_scikit_learns() -> None:
    """They agree for a ranking of all references."""
    queries, references = draw(1).normal(size=(12, 4)), draw(2).normal(size=(30, 4))
    query_labels, labels = draw(3).integers(0, 3, 12), draw(4).integers(0, 3, 30)
    ranking = neighbour_ranking(queries, references, geometry=EUCLIDEAN, k=30)
    relevant = relevance(ranking, query_labels, labels)
    counts = count_relevant(query_labels, labels)
    gaps = EUCLIDEAN.pairwise(*(_tensor(v) for v in (queries, references))).numpy()
    truth = labels[None, :] == query_labels[:, None]
    sklearn_precisions = [average_precision_score(t, -g) for t, g in zip(truth, gaps, strict=True)]
    assert average_precision(relevant, counts) == pytest.approx(
        np.array(sklearn_precisions), abs=1e-9
    )
    grades = draw(5).integers(0, 4, (12, 30)).astype(float)
    gains = np.take_along_axis(grades, ranking.rows, axis=1)
    measured_gains = ndcg_at_k(gains, -np.sort(-grades, axis=1), k=7)
    sklearn_gains = [ndcg_score(g[None], -d[None], k=7) for g, d in zip(grades, gaps, strict=True)]
    assert measured_gains == pytest.approx(np.array(sklearn_gains), abs=1e-9)


def test_trustworthiness_is_scikit_learns_and_needs_no_table_of_all_pairs() -> None:
    """Compared on 150 tracks; a perfect map scores one."""
    vectors = draw().normal(size=(150, 6))
    mapped = vectors[:, :2] + 0.1 * draw(1).normal(size=(150, 2))
    sklearn_value = sklearn_trustworthiness(vectors, mapped, n_neighbors=10)
    assert trustworthiness(vectors, mapped, k=10) == pytest.approx(sklearn_value, abs=1e-9)
    assert trustworthiness(vectors, vectors, k=10) == 1.0
    with pytest.raises(UsageError, match="k = 75"):
        trustworthiness(vectors, mapped, k=75)


def test_a_star_has_one_hub_and_its_orphans() -> None:
    """The centre is the nearest neighbour of all; with k = 1 most others are no neighbour."""
    directions = np.eye(20)
    vectors = np.concatenate([np.zeros((1, 20)), directions, -directions])
    ranking = neighbour_ranking(vectors, vectors, geometry=EUCLIDEAN, k=1, same_set=True)
    star = hubness(ranking, n_references=41)
    assert star.occurrences[0] == 40
    assert star.hub_share == pytest.approx(40 / 41)
    assert star.orphan_share == pytest.approx(39 / 41)
    assert star.skewness > 5
    ring = np.stack([np.cos(np.arange(12) / 6 * np.pi), np.sin(np.arange(12) / 6 * np.pi)], axis=1)
    even = neighbour_ranking(ring, ring, geometry=EUCLIDEAN, k=11, same_set=True)
    measured = hubness(even, n_references=12)
    assert (measured.skewness, measured.hub_share, measured.orphan_share) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_effective_rank_counts_the_directions_that_are_used(rank: int) -> None:
    """Equal spread over r directions has rank r; equal vectors have rank 0."""
    corners = np.concatenate([np.eye(8)[:rank], -np.eye(8)[:rank]])
    assert effective_rank(corners) == pytest.approx(rank)
    assert effective_rank(np.full((9, 4), 0.3)) == 0.0


def test_queries_with_nothing_to_find_are_nan_not_zero() -> None:
    """A label with a single track does not lower the mean."""
    vectors, labels = np.arange(6.0)[:, None], np.array([0, 0, 0, 1, -1, 0])
    ranking = neighbour_ranking(vectors, vectors, geometry=EUCLIDEAN, k=3, same_set=True)
    relevant = relevance(ranking, labels, labels)
    counts = count_relevant(labels, labels, same_set=True)
    assert counts.tolist() == [3, 3, 3, 0, 0, 3]
    for values in (
        precision_at_k(relevant, counts, k=3),
        recall_at_k(relevant, counts, k=3),
        hit_at_k(relevant, counts, k=3),
        average_precision(relevant, counts),
    ):
        assert np.isnan(values).tolist() == [False, False, False, True, True, False]
    assert hit_at_k(relevant, counts, k=1).tolist()[:3] == [1, 1, 1]


def test_tags_of_neighbours_add_up() -> None:
    """The first neighbour has one of two tags, the first two have both; a common tag is a hit."""
    vectors = np.array([[0.0], [1.0], [2.0], [9.0]])
    tags = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    ranking = neighbour_ranking(vectors, vectors, geometry=EUCLIDEAN, k=2, same_set=True)
    assert tag_recall_at_k(ranking, tags, tags, k=1)[0] == 0.5
    assert tag_recall_at_k(ranking, tags, tags, k=2)[0] == 1.0
    assert tag_relevance(ranking, tags, tags)[0].tolist() == [True, True]
    assert count_tag_relevant(tags, tags, same_set=True).tolist() == [2, 1, 1, 0]
    empty = replace(ranking, rows=np.full_like(ranking.rows, -1))
    assert tag_recall_at_k(empty, tags, tags, k=2)[0] == 0.0


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values)
