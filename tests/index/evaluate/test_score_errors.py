"""Whether an evaluation's errors of scores are those of scores on tracks outside the fit."""

import numpy as np
import pytest
from numpy.typing import NDArray

from embedder.metrics.calibration import binary_reliability, expected_error_interval
from index.evaluate.material import Material, material_of
from index.evaluate.rounds import rounds_of
from index.evaluate.score_errors import (
    N_NEAREST,
    ScoreErrors,
    measure_scores,
    score_errors_json,
)
from index.evaluate.settings import EvaluationSettings
from tests.index.evaluation_sets import dataset_of, plain

N_TRACKS = 200


@pytest.fixture(scope="module")
def measured() -> tuple[ScoreErrors, Material, NDArray[np.float32]]:
    """Five noisy genres of forty artists, five tracks each; track 1 is a copy of track 0."""
    generator = np.random.default_rng(0)
    which = np.arange(N_TRACKS) // 40
    vectors = np.eye(5, 16)[which] + 0.45 * generator.standard_normal((N_TRACKS, 16))
    vectors[1] = vectors[0]
    artists = [f"artist {row // 5}" for row in range(N_TRACKS)]
    dataset = dataset_of([f"genre {n}" for n in which], artists, vectors, duplicates={1: 0})
    settings = EvaluationSettings(n_draws=200)
    material = material_of(dataset, field="genre", group="artist")
    rounds = rounds_of(material, settings)
    units = dataset.extra_vectors["given"]
    errors = measure_scores(plain(units), material, rounds.learning, seed=0)
    assert errors is not None
    return errors, material, np.asarray(units, dtype=np.float32)


def test_pairs_are_those_of_a_loop(
    measured: tuple[ScoreErrors, Material, NDArray[np.float32]],
) -> None:
    """Every track is a query once; its ten nearest count, own artist too, and no copy."""
    errors, _, vectors = measured
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    table = 1 - units @ units.T
    assert len(errors.nearest.queries) == N_TRACKS * N_NEAREST
    for query in (0, 1, 57, 199):
        others = [row for row in range(N_TRACKS) if row != query and {row, query} != {0, 1}]
        others.sort(key=lambda row: table[query, row])
        expected = [row // 40 == query // 40 for row in others[:N_NEAREST]]
        assert errors.nearest.is_alike[errors.nearest.queries == query].tolist() == expected


def test_scores_of_other_tracks_come_true(
    measured: tuple[ScoreErrors, Material, NDArray[np.float32]],
) -> None:
    """The mean score is the share of alike pairs, near and at random; the errors are small."""
    errors, material, _ = measured
    document = score_errors_json(errors, material, EvaluationSettings(n_draws=200))
    assert document is not None
    assert document["n_queries"] == N_TRACKS
    for kind, share in (("random", 0.2), ("nearest", errors.nearest.is_alike.mean())):
        figures = document[kind]
        low, high = figures["expected_error_ci95"]
        assert figures["alike_share"] == pytest.approx(share, abs=0.02)
        assert figures["mean_score"] == pytest.approx(figures["alike_share"], abs=0.05)
        assert 0 < figures["expected_error"] < 0.05
        assert 0 <= low < high < 0.12


def test_the_interval_draws_whole_groups() -> None:
    """The error is that of the bins; many predictions of few groups leave it uncertain."""
    generator = np.random.default_rng(3)
    groups = np.repeat(np.arange(8), 100)
    is_right = np.repeat(generator.random(8) < 0.6, 100)
    probability = np.full(800, 0.6)
    owners = np.arange(800)
    wide, narrow = (
        expected_error_interval(
            probability, is_right, groups=some, owners=owners, generator=np.random.default_rng(0)
        )
        for some in (groups, np.full(800, -1))
    )
    assert wide.mean == pytest.approx(narrow.mean)
    expected = binary_reliability(probability, is_right).expected_error
    assert wide.mean == pytest.approx(expected)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)
    alone = expected_error_interval(
        probability, is_right, groups=np.zeros(800, dtype=np.int64), owners=owners,
        generator=generator,
    )  # fmt: skip
    assert np.isnan(alone.low)
