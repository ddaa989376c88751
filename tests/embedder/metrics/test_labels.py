"""Votes, tags, calibration and intervals agree with scikit-learn and have their laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.neighbors import KNeighborsClassifier

from embedder.errors import DatasetError, UsageError
from embedder.geometry import geometry_of
from embedder.metrics.bootstrap import bootstrap_interval, paired_interval
from embedder.metrics.calibration import binary_reliability, reliability
from embedder.metrics.ranking import (
    neighbour_ranking,
)
from embedder.metrics.tagging import tag_scores
from embedder.metrics.voting import Weighting, neighbour_vote, vote_scores

EUCLIDEAN = geometry_of("euclidean")


def draw(seed: int = 0) -> np.random.Generator:
    """A seeded generator."""
    return np.random.default_rng(seed)


@pytest.mark.parametrize("weighting", ["uniform", "distance"])
def test_votes_are_those_of_scikit_learns_neighbours(weighting: Weighting) -> None:
    """They agree also if a reference is a copy of the query."""
    references = draw(1).normal(size=(60, 3))
    queries = np.concatenate([draw(2).normal(size=(20, 3)), references[:3]])
    labels = draw(3).integers(0, 4, 60)
    ranking = neighbour_ranking(queries, references, geometry=EUCLIDEAN, k=7)
    shares = neighbour_vote(ranking, labels, n_labels=4, weighting=weighting)
    classifier = KNeighborsClassifier(7, weights=weighting).fit(references, labels)
    assert shares == pytest.approx(classifier.predict_proba(queries), abs=1e-9)
    truth = draw(4).integers(0, 4, 23)
    scores = vote_scores(shares, truth)
    guessed = classifier.predict(queries)
    assert scores.accuracy == pytest.approx(float((guessed == truth).mean()))
    assert scores.macro_f1 == pytest.approx(f1_score(truth, guessed, average="macro"))
    assert (scores.confusion == sklearn_confusion(truth, guessed, labels=range(4))).all()


def test_queries_without_a_label_or_a_voter_do_not_count() -> None:
    """They are neither right nor wrong, and they are reported."""
    shares = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.5, 0.5]])
    scores = vote_scores(shares, np.array([0, -1, 1, 1]))
    assert scores.accuracy == 0.5
    assert scores.n_without_vote == 1
    assert np.isnan(scores.correct).tolist() == [False, True, True, False]
    assert np.isnan(vote_scores(shares[:1], np.array([-1])).accuracy)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_vote_shares_sum_to_one_or_to_nothing(seed: int) -> None:
    """The shares sum to 1, or to 0 without voters, also with unknown labels."""
    vectors, labels = draw(seed).normal(size=(15, 2)), draw(seed).integers(-1, 3, 15)
    ranking = neighbour_ranking(vectors, vectors, geometry=EUCLIDEAN, k=3, same_set=True)
    weightings: tuple[Weighting, ...] = ("uniform", "distance")
    for weighting in weightings:
        shares = neighbour_vote(ranking, labels, n_labels=3, weighting=weighting)
        voted = (labels[ranking.rows] >= 0).any(axis=1)
        assert shares.sum(axis=1) == pytest.approx(voted.astype(float))


def test_tag_areas_are_scikit_learns_macro_means() -> None:
    """Tags that no track or every track has are left out and counted."""
    tags = draw(1).random((50, 5)) < 0.4
    chances = draw(2).random((50, 5))
    scores = tag_scores(chances, tags)
    assert scores.macro_roc_auc == pytest.approx(roc_auc_score(tags, chances, average="macro"))
    mean_precision = average_precision_score(tags, chances, average="macro")
    assert scores.macro_pr_auc == pytest.approx(mean_precision)
    tags[:, 1], tags[:, 2] = True, False
    fewer = tag_scores(chances, tags)
    assert fewer.n_tags_scored == 3
    assert np.isnan(fewer.roc_auc).tolist() == [False, True, True, False, False]
    with pytest.raises(DatasetError, match=r"\[50, 5\] and tags \[50, 4\]"):
        tag_scores(chances, tags[:, :4])


def test_right_probabilities_have_no_calibration_error() -> None:
    """Predictions of probability 1 that are half right have an error of a half."""
    sure = np.repeat([0.25, 0.75], 400)
    right = np.concatenate([np.arange(400) < 100, np.arange(400) < 300])
    assert binary_reliability(sure, right).expected_error == pytest.approx(0)
    over = binary_reliability(np.ones(10), np.arange(10) < 5)
    assert over.expected_error == 0.5
    assert over.counts[-1] == 10
    assert np.isnan(over.accuracy[:-1]).all()
    chances = np.array([[0.9, 0.1], [0.2, 0.8]])
    measured = reliability(chances, np.array([0, -1]))
    assert int(measured.counts.sum()) == 1


def test_tracks_of_an_artist_widen_the_interval() -> None:
    """Ten equal tracks of each artist do not narrow the interval."""
    values = np.repeat((draw().random(50) < 0.5).astype(float), 10)
    artists = np.repeat(np.arange(50), 10)
    alone = bootstrap_interval(values, generator=draw(1))
    grouped = bootstrap_interval(values, generator=draw(1), groups=artists)
    assert alone.mean == grouped.mean == pytest.approx(values.mean())
    width, wide = alone.high - alone.low, grouped.high - grouped.low
    assert wide == pytest.approx(width * np.sqrt(10), rel=0.15)
    unknown = bootstrap_interval(values, generator=draw(1), groups=np.full(500, -1))
    assert (unknown.low, unknown.high) == (alone.low, alone.high)


def test_a_paired_interval_sees_a_small_steady_gain() -> None:
    """On the same tracks, the interval of the difference is narrower than those of the scores."""
    base = draw().random(300)
    gain = paired_interval(base + 0.02, base, generator=draw(1))
    assert gain.low == pytest.approx(0.02)
    no_difference = paired_interval(base, draw(2).permutation(base), generator=draw(1))
    assert no_difference.low < 0 < no_difference.high
    with pytest.raises(UsageError, match="300 and 299"):
        paired_interval(base, base[1:], generator=draw())


def test_values_that_did_not_count_are_left_out_of_the_interval() -> None:
    """If all values are NaN, it is an error."""
    values = np.array([1.0, np.nan, 0.0, 1.0])
    assert bootstrap_interval(values, generator=draw()).mean == pytest.approx(2 / 3)
    with pytest.raises(UsageError, match="left out"):
        bootstrap_interval(np.full(3, np.nan), generator=draw())
