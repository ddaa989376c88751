"""Scores: monotone, between 0 and 1, and calibrated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embedder.errors import BadInput, CorruptArtefact
from embedder.metrics.calibration import binary_reliability
from index.evaluate.card_facts import (
    best_correction,
    corrected_precisions,
    facts_from_held_out,
    fit_calibration,
    labelled_pairs,
)
from index.library_folder.report import measure_hubness
from index.vectors.calibration import Calibration
from index.vectors.distances import Space
from index.vectors.random_pairs import RandomPairs, measure_random_pairs, sampled_ids
from tests.index.vector_library import unit_vectors


def clusters(
    n_tracks: int, *, spread: float = 0.7, size: int = 12, seed: int = 0
) -> tuple[NDArray[np.float32], list[str], list[str]]:
    """Unit vectors around ten centres, with the centre's name as label and artists of four."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((10, size))
    which = generator.integers(10, size=n_tracks)
    vectors = centres[which] + spread * generator.standard_normal((n_tracks, size)) * 2
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    artists = [f"{label}-{generator.integers(n_tracks // 40)}" for label in which]
    return vectors.astype(np.float32), [str(label) for label in which], artists


def test_scores_come_true_on_other_tracks() -> None:
    """Learned on one half, a score is as often right as it says on the other half's pairs."""
    space, generator = Space(), np.random.default_rng(1)
    vectors, labels, artists = clusters(1200)
    learned = fit_calibration(vectors, labels, artists=artists, space=space, generator=generator)
    fresh, fresh_labels, fresh_artists = clusters(1200, seed=1)
    distances, shares = labelled_pairs(
        fresh, fresh_labels, artists=fresh_artists, space=space, generator=generator
    )
    scores = learned.scores_at(distances)
    assert binary_reliability(scores, shares, n_bins=10).expected_error < 0.05
    assert scores[shares].mean() > scores[~shares].mean() + 0.1


@pytest.mark.parametrize("kind", ["cosine", "euclidean", "poincare"])
def test_a_score_never_rises_with_the_distance(kind: str) -> None:
    """A score is between 0 and 1, learned or not, and 1 at distance 0."""
    space = Space(kind)  # type: ignore[arg-type]  # one of the three
    vectors, labels, _ = clusters(400)
    vectors = vectors * np.float32(0.9)
    learned = fit_calibration(vectors, labels, space=space, generator=np.random.default_rng(0))
    for calibration in (learned, Calibration.uncalibrated(space)):
        scores = calibration.scores_at(np.linspace(0, 3, 500))
        assert scores[0] == pytest.approx(1)
        assert (np.diff(scores) <= 0).all()
        assert scores.min() >= 0
        inside = calibration.scores_at(np.linspace(0, 1.9, 500))
        assert (np.diff(inside) < 0).all(), "different distances, different scores"


def test_a_calibration_survives_its_card() -> None:
    """To JSON and back it gives the same scores; what is none is refused."""
    vectors, labels, _ = clusters(400)
    learned = fit_calibration(vectors, labels, space=Space(), generator=np.random.default_rng(0))
    assert Calibration.from_json(learned.to_json()) == learned
    for broken in (
        {},
        {"distances": [0, 1], "scores": [1]},
        {"distances": [0, 0], "scores": [1, 0]},
        {"distances": [0, 1], "scores": [0, 1]},
        {"distances": [0, 1], "scores": [2, 0]},
        {"distances": [0, "far"], "scores": [1, 0]},
        {"distances": [0, float("nan")], "scores": [1, 0]},
    ):
        with pytest.raises(CorruptArtefact, match="calibration"):
            Calibration.from_json(broken)


def test_too_few_pairs_are_refused() -> None:
    """A calibration needs pairs with the same label and pairs with different labels."""
    generator, vectors = np.random.default_rng(0), unit_vectors(30)
    for labels in (["a"] * 30, [str(row) for row in range(30)], [""] * 30):
        with pytest.raises(BadInput, match="at least two labels"):
            fit_calibration(vectors, labels, space=Space(), generator=generator)
    with pytest.raises(BadInput, match="30 vectors"):
        fit_calibration(vectors, ["a"], space=Space(), generator=generator)


def test_random_pairs_are_those_of_the_library() -> None:
    """A percentile is the share of all pairs that are farther apart, give or take the sample."""
    vectors = unit_vectors(300)
    pairs = measure_random_pairs(Space(), vectors, fingerprint="f", n_tracks=300)
    table = (1 - vectors @ vectors.T)[np.triu_indices(300, 1)]
    for distance in np.quantile(table, [0.01, 0.2, 0.5, 0.9]):
        shares = pairs.shares_farther(np.array([distance]))
        assert shares is not None
        assert shares[0] == pytest.approx(float((table > distance).mean()), abs=0.03)
    assert RandomPairs.from_text(pairs.to_text()).is_current("f", 320)
    assert not pairs.is_current("g", 300)
    assert not pairs.is_current("f", 400)
    lonely = measure_random_pairs(Space(), vectors[:1], fingerprint="f", n_tracks=1)
    assert lonely.shares_farther(np.array([0.1])) is None


def test_a_sample_hardly_changes_when_a_library_grows() -> None:
    """Ten tracks more in ten thousand leave nearly all of the sample in place; it is spread out."""
    before = sampled_ids(np.arange(1, 10_001))
    after = sampled_ids(np.arange(1, 10_011))
    assert len(before) == len(after) == 400
    assert len(np.intersect1d(before, after)) > 395
    assert (np.diff(before) > 0).all()
    assert np.histogram(before, bins=10, range=(0, 10_000))[0].min() > 30
    few = np.array([3, 7, 9])
    assert (sampled_ids(few) == few).all()


@settings(deadline=None, max_examples=25)
@given(n_tracks=st.integers(13, 60), k=st.integers(1, 11), seed=st.integers(0, 99))
def test_k_occurrence_equals_a_loop(n_tracks: int, k: int, seed: int) -> None:
    """Orphans and hubs are those that a count over all neighbour lists finds."""
    vectors = unit_vectors(n_tracks, 3, seed=seed)
    ids = np.arange(n_tracks, dtype=np.int64) * 3 + 5
    counts = dict.fromkeys(ids.tolist(), 0)
    table = 1 - vectors @ vectors.T
    for row in range(n_tracks):
        near = sorted((r for r in range(n_tracks) if r != row), key=lambda r: table[row, r])
        for other in near[:k]:
            counts[int(ids[other])] += 1
    hubness = measure_hubness(Space(), ids, vectors, k=k)
    assert hubness is not None
    values = np.array(list(counts.values()))
    assert hubness.orphan_share == pytest.approx(float((values == 0).mean()))
    assert hubness.hub_share == pytest.approx(values[values > 5 * k].sum() / (n_tracks * k))
    assert dict(hubness.hubs).items() <= counts.items()
    third = ((values - values.mean()) ** 3).mean() / max(values.std(), 1e-12) ** 3
    assert hubness.skewness == pytest.approx(third, abs=1e-6)


def test_few_tracks_have_no_hubs() -> None:
    """If all tracks are neighbours of each other, there is nothing to measure."""
    assert measure_hubness(Space(), np.arange(1, 12), unit_vectors(11)) is None


def test_copies_do_not_disturb_the_count() -> None:
    """Twenty copies of one track: each list still has k others."""
    vectors = np.repeat(unit_vectors(2), 20, axis=0)
    hubness = measure_hubness(Space(), np.arange(40), vectors)
    assert hubness is not None
    assert hubness.n_measured == 40


def test_a_correction_is_taken_where_it_helps() -> None:
    """Weak clusters in many dimensions have hubs, and gain; flat clear clusters do not."""
    generator = np.random.default_rng(0)
    size, n_tracks = 200, 400
    centres = generator.standard_normal((10, size))
    which = generator.integers(10, size=n_tracks)
    weak = centres[which] + 3 * generator.standard_normal((n_tracks, size))
    labels = [str(label) for label in which]
    precisions = corrected_precisions(weak.astype("f4"), labels, space=Space("euclidean"))
    assert precisions["mutual-proximity"].mean() > precisions["none"].mean() + 0.03
    assert best_correction(precisions) != "none"
    clear = (np.eye(10)[which] + 0.01 * generator.standard_normal((n_tracks, 10))).astype("f4")
    facts = facts_from_held_out(clear, labels, space=Space(), generator=generator)
    assert facts["hubness_correction"] == "none"
    assert facts["hubness_precision_at_10"]["none"] == pytest.approx(1)
    assert Calibration.from_json(facts["calibration"]).is_learned
