"""Scores of a library: they fall everywhere and come true; few tracks keep the model's curve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact
from embedder.metrics.calibration import binary_reliability
from index.vectors.calibration import Calibration
from index.vectors.score_curve import ScoreCurve, expected_curve, falling_curve
from index.vectors.score_fit import ScorePairs, fit_score_curve, octave_weights
from index.vectors.usual_nearest import UsualNearest

MODEL = Calibration((0.0, 0.3, 0.3001, 0.9, 2.0), (1.0, 0.8, 0.8, 0.2, 0.0))


def pairs_of(
    n_queries: int, *, n_others: int = 500, seed: int = 0
) -> tuple[ScorePairs, NDArray[np.float64]]:
    """Pairs whose true probability falls with the distance, and that probability."""
    generator = np.random.default_rng(seed)
    distances = np.sort(generator.beta(4, 2, (n_queries, n_others)), axis=1).ravel()
    truth = 1 / (1 + np.exp(9 * distances - 4))
    ranks = np.tile(np.arange(1.0, n_others + 1), n_queries)
    queries = np.repeat(np.arange(n_queries), n_others)
    is_alike = generator.random(len(distances)) < truth
    is_random = np.ones(len(distances), dtype=bool)
    return ScorePairs(distances, is_alike, octave_weights(queries, ranks), is_random), truth


@given(
    log_odds=st.lists(st.floats(-8, 8), min_size=2, max_size=12),
    distances=st.lists(st.floats(0, 6), min_size=2, max_size=9, unique=True),
)
def test_a_curve_falls_everywhere(log_odds: list[float], distances: list[float]) -> None:
    """Whatever the odds are, farther is less probable, beyond the last knot as well."""
    curve = falling_curve(np.linspace(0, 3, len(log_odds)), np.array(log_odds))
    apart = np.unique(np.round(distances, 3))
    assert (np.diff(curve.scores_at(apart)) < 0).all()
    assert curve.scores_at(np.array([np.inf]))[0] == 0


def test_fitted_scores_come_true() -> None:
    """Of pairs with a score of 0.8, eight in ten are alike, near and far; the prior does not."""
    pairs, truth = pairs_of(300)
    curve = fit_score_curve(pairs, expected_curve(MODEL, 0.1))
    assert np.abs(curve.scores_at(pairs.distances) - truth).max() < 0.05
    fresh, _ = pairs_of(300, seed=1)
    error = binary_reliability(curve.scores_at(fresh.distances), fresh.is_alike, n_bins=10)
    assert error.expected_error < 0.03


def test_few_tracks_keep_the_models_curve() -> None:
    """Three queries move the curve less than thirty, and without pairs it is the model's."""
    prior = expected_curve(MODEL, 0.1)
    apart = np.linspace(0.2, 1, 50)

    def moved(n_queries: int) -> float:
        curve = fit_score_curve(pairs_of(n_queries)[0], prior)
        return float(np.abs(curve.log_odds_at(apart) - prior.log_odds_at(apart)).mean())

    assert 0 < moved(3) < moved(30)
    empty = np.zeros(0)
    nothing = ScorePairs(empty, empty.astype(bool), empty, empty.astype(bool))
    assert fit_score_curve(nothing, prior) == prior


def test_a_random_pair_has_the_share_of_alike_pairs() -> None:
    """A model's curve is moved until the mean score of random pairs is the library's share."""
    distances = np.random.default_rng(0).uniform(0.05, 0.3, 500)
    for share in (0.1, 0.4):
        curve = expected_curve(MODEL, share, distances)
        assert curve.scores_at(distances).mean() == pytest.approx(share, abs=1e-3)


def test_the_same_vector_has_a_high_score() -> None:
    """A model's curve starts at 0.995 at least, however few pairs are alike."""
    curve = expected_curve(MODEL, 0.01)
    assert curve.scores_at(np.array([0.0, 0.3]))[0] == pytest.approx(0.995)
    assert curve.scores_at(np.array([0.3]))[0] < 0.1


def test_each_octave_of_a_querys_ranks_weighs_the_same() -> None:
    """Rank 1 weighs as much as ranks 2 and 3 together, or 4 to 7."""
    ranks = np.tile(np.arange(1.0, 8), 2)
    weights = octave_weights(np.repeat([0, 1], 7), ranks)
    assert weights.tolist() == [1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25] * 2


def test_a_curve_survives_its_settings() -> None:
    """To JSON and back it is the same; what does not fall is refused."""
    curve = expected_curve(MODEL)
    assert ScoreCurve.from_json(curve.to_json()) == curve
    for distances, log_odds in (([0, 1], [0, 0]), ([1, 0], [1, 0]), ([0, 1], [float("inf"), 0])):
        with pytest.raises(CorruptArtefact, match="curve"):
            ScoreCurve.from_json({"distances": distances, "log_odds": log_odds})


def test_a_word_says_how_near_the_nearest_is() -> None:
    """Nearer than nearly all nearest neighbours, among them, farther than nearly all of them."""
    usual = UsualNearest.of(np.linspace(0.1, 0.5, 200))
    for distance, percentile, word in ((0.05, 0, "unusually"), (0.3, 0.5, "typ"), (0.6, 1, "no")):
        closeness = usual.closeness(distance)
        assert closeness is not None
        assert closeness.percentile == pytest.approx(percentile, abs=0.01)
        assert closeness.word.startswith(word)
    assert UsualNearest.of(np.ones(19)).closeness(0.3) is None
