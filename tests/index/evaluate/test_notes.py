"""Figures that cannot be measured are left out, and a note says why."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from embedder.datasets.records import Side
from embedder.errors import DatasetError
from embedder.metrics.bootstrap import bootstrap_interval
from index.evaluate.evaluation import evaluate
from index.evaluate.page import page_of
from index.evaluate.settings import EvaluationSettings
from index.evaluate.tables import tables_of
from tests.index.evaluation_sets import dataset_of, noisy_genres


def test_models_are_compared_where_nobody_can_answer() -> None:
    """All tracks are of one artist: no accuracy, no difference, and what lets them meet."""
    _, _, vectors = noisy_genres(12)
    dataset = dataset_of(["jazz", "rock"] * 6, ["one"] * 12, vectors)
    evaluation = evaluate(dataset, ["given", "random"], settings=EvaluationSettings(k=3))
    document = evaluation.to_json()
    assert document["accuracy"] is None
    assert document["comparisons"][0]["accuracy_difference"] is None
    assert document["comparisons"][0]["is_clear"] is False
    assert "nan" not in f"{[table.rows for table in tables_of(evaluation)]}"
    assert not re.search(r"\bnan\b", page_of(evaluation))
    (note,) = (note for note in evaluation.notes if "no reference track" in note)
    assert note.startswith("12 of 12 tracks")
    assert "--group track" in note


def test_one_artist_gives_no_interval() -> None:
    """Every draw of artists would be the same: bounds that touch would be false certainty."""
    labels, _, vectors = noisy_genres(40, noise=2.0)
    dataset = dataset_of(labels, ["one"] * 40, vectors)
    evaluation = evaluate(
        dataset, ["given", "random"], settings=EvaluationSettings(k=3, group="track")
    )
    document = evaluation.to_json()
    assert document["accuracy"] > 0
    assert document["accuracy_ci95"] == [None, None]
    assert document["map_ci95"] == [None, None]
    assert document["comparisons"][0]["is_clear"] is False
    assert not re.search(r"\bnan\b", page_of(evaluation))
    assert any("no interval" in note for note in evaluation.notes)
    values = np.array([1.0, 0.0, 1.0])
    draw = np.random.default_rng(0)
    assert np.isnan(bootstrap_interval(values, generator=draw, groups=np.zeros(3, np.int64)).low)
    assert bootstrap_interval(values, generator=draw).low >= 0


def test_labels_that_nobody_else_has_are_counted() -> None:
    """A genre of a single artist cannot be voted for while artists are apart."""
    labels, artists, vectors = noisy_genres(48)
    labels[:3] = ["only here"] * 3  # all by the first artist
    dataset = dataset_of(labels, artists, vectors)
    evaluation = evaluate(dataset, ["given"], settings=EvaluationSettings(k=3))
    assert evaluation.to_json()["n_without_match"] == 3
    assert any("3 of 48 tracks have a genre that none" in note for note in evaluation.notes)
    together = evaluate(dataset, ["given"], settings=EvaluationSettings(k=3, group="track"))
    assert together.to_json()["n_without_match"] == 0
    assert not together.notes


@pytest.mark.parametrize("settings", [EvaluationSettings(k=3), EvaluationSettings(k=3, n_folds=3)])
def test_json_holds_no_nan(settings: EvaluationSettings) -> None:
    """A tag of all tracks, empty bins, and tracks without a vote give no NaN."""
    _, artists, vectors = noisy_genres(24)
    generator = np.random.default_rng(0)
    several = [("all", str(generator.choice(["jazz", "rock"]))) for _ in range(24)]
    for labels in (several, ["jazz", "rock"] * 12, ["jazz"] * 24):
        dataset = dataset_of(labels, artists, vectors)
        evaluation = evaluate(dataset, ["given", "random"], settings=settings)
        json.dumps(evaluation.to_json(), allow_nan=False)


def test_a_split_whose_sides_are_the_same_music_is_refused() -> None:
    """If every training track repeats a query, no reference is left, and a note says so."""
    labels, artists, vectors = noisy_genres(12)
    asking: list[Side] = ["test"] * 12
    answering: list[Side] = ["train"] * 12
    dataset = dataset_of(
        labels * 2,
        artists * 2,
        np.concatenate([vectors, vectors]),
        sides=[*asking, *answering],
        duplicates={i: i - 12 for i in range(12, 24)},
    )
    with pytest.raises(DatasetError, match="all 12 training tracks repeat"):
        evaluate(dataset, ["given"], settings=EvaluationSettings(k=3, has_split=True))


def test_a_split_through_every_artist_leaves_nothing_to_learn_from() -> None:
    """Tracks of other artists still vote; a note says that there is no probe."""
    labels, artists, vectors = noisy_genres(24)
    dataset = dataset_of(labels, artists, vectors, sides=["test", "train", "train"] * 8)
    evaluation = evaluate(dataset, ["given"], settings=EvaluationSettings(k=3, has_split=True))
    assert evaluation.models[0].probe is None
    assert evaluation.models[0].n_without_vote == 0
    assert any("no probe" in note for note in evaluation.notes)


def test_finding_ones_own_artist_is_compared_in_pairs() -> None:
    """Vectors of artists find them clearly more often than vectors of genres with the same noise;
    the pair's difference is that of the two hit rates.
    """
    labels, artists, by_genre = noisy_genres(240, noise=1.0)
    generator = np.random.default_rng(1)
    own = np.unique(artists, return_inverse=True)[1]
    by_artist = generator.standard_normal((own.max() + 1, 6))[own]
    by_artist = by_artist + 0.1 * generator.standard_normal(by_artist.shape)
    dataset = dataset_of(labels, artists, by_artist)
    extra = {**dataset.extra_vectors, "genres": by_genre.astype(np.float32)}
    evaluation = evaluate(
        replace(dataset, extra_vectors=extra), ["given", "genres"], settings=EvaluationSettings(k=5)
    ).to_json()
    (pair,) = evaluation["comparisons"]
    rates = [model["same_artist"]["hit_rate"] for model in evaluation["models"]]
    assert pair["same_artist_difference"] == pytest.approx(rates[0] - rates[1])
    assert pair["same_artist_difference_ci95"][0] > 0
    assert pair["same_artist_is_clear"] is True


def test_without_artists_only_votes_are_compared() -> None:
    """If no artist has two tracks, there is no figure for artists."""
    labels, _, vectors = noisy_genres(40)
    evaluation = evaluate(
        dataset_of(labels, [""] * 40, vectors),
        ["given", "random"],
        settings=EvaluationSettings(k=3),
    )
    assert evaluation.comparisons[0].same_artist is None
    assert "same_artist_difference" not in evaluation.comparisons[0].to_json()
