"""The vote itself: who may vote, laws of the probabilities, and whether they come true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.metrics.calibration import binary_reliability, reliability
from index.labels.kinship import KinshipBook, Names
from index.labels.neighbour_vote import calibration_sample
from index.labels.probabilities import Ballots, VoteCalibration, fit_calibration
from index.labels.table import make_label_table
from tests.index.vectors.clustered_vectors import (
    N_LABELS,
    ballots_for,
    clustered,
    near,
    table_of,
    themselves,
)

CALIBRATIONS = st.builds(
    VoteCalibration,
    scale=st.floats(0.01, 2),
    sharpness=st.floats(0.1, 40),
    prior_votes=st.floats(0.01, 50),
    temperature=st.floats(0.1, 10),
    bias=st.floats(-5, 5),
)


@settings(max_examples=60, deadline=None)
@given(
    calibration=CALIBRATIONS,
    seed=st.integers(0, 2**32),
    n_tracks=st.integers(1, 30),
    k=st.integers(1, 40),
    class_balanced=st.booleans(),
    is_multi=st.booleans(),
)
def test_probabilities_are_probabilities(
    calibration: VoteCalibration,
    seed: int,
    n_tracks: int,
    k: int,
    class_balanced: bool,
    is_multi: bool,
) -> None:
    """All of them from 0 to 1; of a field with one label a track they sum to one."""
    generator = np.random.default_rng(seed)
    values = {
        i: [f"g{x}" for x in generator.choice(5, generator.integers(1, 4))] for i in range(n_tracks)
    }
    table = make_label_table("mood", values, several=is_multi)
    vectors = near(generator.standard_normal((n_tracks, 4)), noise=0, generator=generator)
    ballots = ballots_for(vectors[:3], vectors, table, k=k)
    chances = calibration.probabilities(table, ballots, class_balanced=class_balanced)
    assert chances.shape == (min(3, n_tracks), table.n_labels)
    assert (chances >= 0).all() and (chances <= 1).all()
    if not is_multi:
        assert chances.sum(axis=1) == pytest.approx(1)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n_tracks=st.integers(2, 40),
    k=st.integers(1, 12),
    calibration=CALIBRATIONS,
)
def test_the_order_of_the_library_makes_no_difference(
    seed: int, n_tracks: int, k: int, calibration: VoteCalibration
) -> None:
    """The vote is the same even if many tracks are at the same distance and few can vote."""
    generator = np.random.default_rng(seed)
    places = near(generator.standard_normal((5, 4)), noise=0, generator=generator)
    vectors = places[generator.integers(0, 5, n_tracks)]
    labels = generator.integers(0, 3, n_tracks)
    order = generator.permutation(n_tracks)
    first = ballots_for(places, vectors, table_of(labels), k=k)
    second = ballots_for(places, vectors[order], table_of(labels[order]), k=k)
    chances = calibration.probabilities(table_of(labels), first)
    other = calibration.probabilities(table_of(labels[order]), second)
    assert chances == pytest.approx(other, abs=1e-4)  # distances have seven digits


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n_tracks=st.integers(1, 60),
    k=st.integers(1, 15),
    n_artists=st.integers(1, 6),
)
def test_the_nearest_that_are_no_kin_vote(seed: int, n_tracks: int, k: int, n_artists: int) -> None:
    """The voters are those of a slow loop over all tracks, however many are kin."""
    generator = np.random.default_rng(seed)
    vectors = near(generator.standard_normal((n_tracks, 8)), noise=0, generator=generator)
    artists = generator.integers(0, n_artists, n_tracks)
    table = table_of(generator.integers(0, 3, n_tracks))
    names = [Names(f"d{i}", [f"artist {a}"]) for i, a in enumerate(artists)]
    kin = KinshipBook(include_artist=False).numbered(names)
    ballots = ballots_for(vectors, vectors, table, k=k, queries_kinship=kin, voters=kin)
    for i in range(n_tracks):
        distances = 1 - vectors @ vectors[i]
        allowed = [j for j in range(n_tracks) if artists[j] != artists[i]]
        in_order = sorted(allowed, key=lambda j: distances[j])
        assert ballots.places[i].sum() == pytest.approx(min(k, len(allowed)))
        if len(in_order) > k and distances[in_order[k]] - distances[in_order[k - 1]] < 1e-5:
            continue  # tracks at the same distance share the last place
        voters = ballots.positions[i][ballots.positions[i] >= 0].tolist()
        assert sorted(voters) == sorted(in_order[:k])


@pytest.mark.parametrize("noise", [0.7, 1.0, 1.5, 2.5])
def test_probabilities_come_true(noise: float) -> None:
    """On tracks that the calibration has not seen, probability and accuracy agree."""
    errors, raw_errors = [], []
    for seed in range(3):
        vectors, labels = clustered(800, noise=noise, seed=seed)
        table = table_of(labels)
        own = themselves(len(vectors))
        own_ballots = ballots_for(vectors, vectors, table, queries_kinship=own)
        calibration = fit_calibration(table, own_ballots, table.truth(np.arange(len(vectors))))
        unseen, truth = clustered(1500, noise=noise, seed=100 + seed)
        ballots = ballots_for(unseen, vectors, table)
        chances = calibration.probabilities(table, ballots)
        errors.append(reliability(chances, truth, n_bins=10).expected_error)
        shares = table.tally(ballots.positions, ballots.places) / 20
        raw_errors.append(reliability(shares, truth, n_bins=10).expected_error)
    assert np.mean(errors) < 0.045
    assert np.mean(errors) < 0.6 * np.mean(raw_errors)


def test_probabilities_of_several_labels_come_true() -> None:
    """In a field with several labels, the probability of each label is calibrated."""
    generator = np.random.default_rng(5)
    directions = generator.standard_normal((4, 16))

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        has = generator.random((n, 4)) < [0.1, 0.3, 0.5, 0.7]
        return near(has @ directions + 0.01, noise=1.0, generator=generator), has

    vectors, has = draw(800)
    values = {i: [f"m{x}" for x in np.flatnonzero(row)] for i, row in enumerate(has) if row.any()}
    table = make_label_table("mood", values)
    assert table.is_multi
    vectors = vectors[table.track_ids]
    own_ballots = ballots_for(vectors, vectors, table, queries_kinship=themselves(len(vectors)))
    calibration = fit_calibration(table, own_ballots, table.truth(np.arange(len(vectors))))
    unseen, truth = draw(1500)
    unseen, truth = unseen[truth.any(axis=1)], truth[truth.any(axis=1)]
    chances = calibration.probabilities(table, ballots_for(unseen, vectors, table))
    curve = binary_reliability(chances.ravel(), truth.ravel(), n_bins=10)
    assert curve.expected_error < 0.04
    assert ((chances > 0.5) == truth).mean() > 0.8
    assert not np.allclose(chances.sum(axis=1), 1, atol=0.1)


def test_balanced_by_class_a_rare_label_is_found_more_often() -> None:
    """Balancing takes the labels' frequencies out: rare ones win more, common ones less."""
    vectors, labels = clustered(600, noise=2.0, seed=1)
    table = table_of(labels)
    unseen, truth = clustered(1500, noise=2.0, seed=2)
    ballots = ballots_for(unseen, vectors, table)
    recalls = []
    for class_balanced in (False, True):
        chances = VoteCalibration(scale=0.5).probabilities(
            table, ballots, class_balanced=class_balanced
        )
        hits = chances.argmax(axis=1) == truth
        recalls.append([hits[truth == label].mean() for label in range(N_LABELS)])
    plain, balanced = np.array(recalls)
    assert balanced[0] > plain[0] + 0.1
    assert balanced[-1] < plain[-1]
    assert balanced.mean() > plain.mean()


def test_far_from_everything_the_frequencies_are_the_answer() -> None:
    """A query far from every track gets the frequencies of the labels."""
    table = make_label_table("genre", {1: ["a"], 2: ["a"], 3: ["a"], 4: ["b"]})
    far = Ballots(np.array([[3, 0]]), np.full((1, 2), 50.0), np.ones((1, 2)))
    calibration = VoteCalibration(scale=0.5)
    assert calibration.probabilities(table, far)[0] == pytest.approx([0.75, 0.25])
    balanced = calibration.probabilities(table, far, class_balanced=True)
    assert balanced[0] == pytest.approx([0.5, 0.5])


def test_a_nearer_neighbour_counts_more() -> None:
    """One of each label votes, and the nearer one wins."""
    table = make_label_table("genre", {1: ["a"], 2: ["b"]})
    ballots = Ballots(np.array([[1, 0]]), np.array([[0.1, 0.4]]), np.ones((1, 2)))
    chances = VoteCalibration(scale=0.2).probabilities(table, ballots)
    assert chances[0, 1] > 0.7


@pytest.mark.parametrize("class_balanced", [False, True])
@pytest.mark.parametrize("n_tracks", [2, 4, 12, 60])
def test_a_handful_of_tracks_makes_nothing_certain(n_tracks: int, class_balanced: bool) -> None:
    """Clusters far apart, all neighbours agreeing: as many doubts as the tracks allow, and the
    probabilities sum to one.
    """
    labels = np.arange(n_tracks) % 2
    vectors = near(np.eye(2)[labels], noise=0.01, generator=np.random.default_rng(0))
    table, own = table_of(labels), themselves(n_tracks)
    ballots = ballots_for(vectors, vectors, table, queries_kinship=own, k=n_tracks // 2)
    calibration = fit_calibration(
        table, ballots, table.truth(np.arange(n_tracks)), class_balanced=class_balanced
    )
    chances = calibration.probabilities(table, ballots, class_balanced=class_balanced)
    assert np.allclose(chances.sum(axis=1), 1)
    assert chances.min() >= 0.4 / (n_tracks + 10)
    assert chances.max() <= 1 - 0.4 / (n_tracks + 10)


def test_with_few_tracks_the_calibration_stays_near_the_usual() -> None:
    """Ten tracks in agreement do not make it certain of everything; none make it the usual."""
    table = table_of(np.array([0, 1] * 5))
    vectors = near(np.eye(2)[[0, 1] * 5], noise=0.01, generator=np.random.default_rng(0))
    own = themselves(10)
    ballots = ballots_for(vectors, vectors, table, queries_kinship=own, k=4)
    fitted = fit_calibration(table, ballots, table.truth(np.arange(10)))
    usual = VoteCalibration()
    assert fitted.n_fitted == 10
    assert usual.temperature / 5 < fitted.temperature < usual.temperature * 5
    nobody = ballots_for(
        vectors[:1], vectors[:1], table_of(np.array([0])), queries_kinship=themselves(1)
    )
    alone = table_of(np.array([0]))
    assert fit_calibration(alone, nobody, alone.truth(np.array([0]))).n_fitted == 0


def test_the_sample_does_not_depend_on_the_order_of_the_table() -> None:
    """The tracks with the smallest keys are chosen, wherever they are."""
    generator = np.random.default_rng(0)
    n_tracks = 400
    keys = [generator.bytes(8) for _ in range(n_tracks)]
    order = generator.permutation(n_tracks)
    table = table_of(np.zeros(n_tracks, dtype=np.int64))
    size = {"space_kind": "cosine", "embedding_size": 10**5}  # room for 150 tracks
    first = calibration_sample(table, keys, **size)
    second = calibration_sample(table, [keys[i] for i in order], **size)
    assert len(first) == 150
    assert {keys[i] for i in first} == {keys[order[i]] for i in second}
