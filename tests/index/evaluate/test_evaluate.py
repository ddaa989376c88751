"""Evaluation where the answer is known beforehand: leaks, chance, odd sets, models, libraries."""

import json
from dataclasses import replace

import numpy as np
import pytest

from embedder.errors import DatasetError, UnknownChoice, UsageError
from embedder.geometry import Euclidean
from index.evaluate.baselines import baseline_vectors
from index.evaluate.evaluation import evaluate
from index.evaluate.material import material_of
from index.evaluate.page import page_of
from index.evaluate.settings import EvaluationSettings, checked_group
from index.evaluate.whole_set import score_whole_set
from tests.index.evaluation_sets import GENRES, dataset_of, noisy_genres, plain


def artists_alone(n_artists: int = 40, *, each: int = 6, seed: int = 0) -> tuple[list[str], ...]:
    """Genres that say nothing: each artist has one, drawn at random."""
    drawn = np.random.default_rng(seed).permutation(np.arange(n_artists) % 4)
    labels = [GENRES[drawn[i]] for i in range(n_artists) for _ in range(each)]
    return labels, [f"artist {i}" for i in range(n_artists) for _ in range(each)]


def test_neighbours_of_the_same_artist_are_worth_nothing() -> None:
    """If vectors only separate artists, the clean accuracy is chance and the leaky one perfect."""
    labels, artists = artists_alone()
    generator = np.random.default_rng(1)
    centres = np.repeat(generator.standard_normal((40, 16)), 6, axis=0)
    dataset = dataset_of(labels, artists, centres + 0.01 * generator.standard_normal((240, 16)))
    for settings in (EvaluationSettings(k=3), EvaluationSettings(k=3, n_folds=5)):
        evaluation = evaluate(dataset, ["given"], settings=settings).models[0]
        # A few artists of six have most of their tracks in one fold.
        assert evaluation.leaky_accuracy >= (0.95 if settings.n_folds else 1.0)
        assert evaluation.accuracy.mean < 0.45
        assert evaluation.accuracy.low < 0.25
        assert evaluation.same_artist is not None
        assert evaluation.same_artist["hit_rate"] == 1.0
    by_track = evaluate(dataset, ["given"], settings=EvaluationSettings(k=5, group="track"))
    assert by_track.models[0].accuracy.mean == 1.0


def test_shuffled_labels_give_chance() -> None:
    """A quarter of four equal labels lies within the interval; the probe finds no more."""
    _, artists, vectors = noisy_genres(240)
    labels = np.random.default_rng(2).permutation([GENRES[i % 4] for i in range(240)]).tolist()
    evaluation = evaluate(
        dataset_of(labels, artists, vectors), ["given"], settings=EvaluationSettings()
    ).models[0]
    assert evaluation.accuracy.low <= 0.25 <= evaluation.accuracy.high
    assert evaluation.probe is not None
    assert evaluation.probe["accuracy"] < 0.35


def test_copies_across_the_split_are_removed_and_said() -> None:
    """A copy in training of a test track counts only in the leaky figure."""
    labels, _ = artists_alone(80, each=1)
    generator = np.random.default_rng(4)
    vectors = generator.standard_normal((80, 12))
    vectors[40:] = vectors[:40]
    labels = labels[:40] * 2
    no_artists = [""] * 80
    sides = ["train"] * 40 + ["test"] * 40
    dataset = dataset_of(
        labels,
        no_artists,
        vectors,
        sides=sides,
        duplicates={i: i - 40 for i in range(40, 78)},  # type: ignore[arg-type]  # plain words
    )
    evaluation = evaluate(dataset, ["given"], settings=EvaluationSettings(k=1, has_split=True))
    assert evaluation.models[0].leaky_accuracy == 1.0
    assert evaluation.models[0].accuracy.mean < 0.8
    assert evaluation.protocol["n_references"] == 2
    assert any("38 training tracks repeat" in note for note in evaluation.notes)


def test_artists_on_both_sides_are_kept_apart_and_said() -> None:
    """An artist on both sides of a stored split is left out, with a note."""
    labels, artists = artists_alone(20, each=4)
    vectors = np.repeat(np.random.default_rng(0).standard_normal((20, 8)), 4, axis=0)
    sides = ["train", "train", "train", "test"] * 20
    dataset = dataset_of(labels, artists, vectors, sides=sides)  # type: ignore[arg-type]  # plain words
    evaluation = evaluate(dataset, ["given"], settings=EvaluationSettings(k=3, has_split=True))
    assert evaluation.models[0].leaky_accuracy == 1.0
    assert evaluation.models[0].accuracy.mean < 0.6
    assert any("60 training tracks share an artist" in note for note in evaluation.notes)


def test_one_label_and_more_neighbours_than_tracks() -> None:
    """Both are measured as they are, and a note says what they are worth."""
    dataset = dataset_of(["jazz"] * 4, ["a", "b", "c", "d"], np.eye(4) + 0.1)
    evaluation = evaluate(dataset, ["given"], settings=EvaluationSettings(k=50))
    assert evaluation.models[0].accuracy.mean == 1.0
    assert evaluation.models[0].probe is None
    assert any("only 3 reference tracks" in note for note in evaluation.notes)
    assert any("every vote is right" in note for note in evaluation.notes)
    assert page_of(evaluation)
    json.dumps(evaluation.to_json())


def test_a_track_without_references_has_no_vote() -> None:
    """One artist alone: no query has an answer, and no figure is made up."""
    dataset = dataset_of(["jazz", "rock"] * 3, ["a"] * 6, np.eye(6))
    evaluation = evaluate(dataset, ["given"], settings=EvaluationSettings(k=2))
    document = evaluation.to_json()
    assert document["accuracy"] is None
    assert document["n_queries"] == evaluation.models[0].n_without_vote == 6
    assert document["map"] is None
    assert page_of(evaluation)


def test_a_missing_field_lists_the_fields() -> None:
    """The error comes before any vector is made."""
    dataset = dataset_of(["jazz", "rock"], ["a", "b"], np.eye(2))
    with pytest.raises(DatasetError, match=r"no label field 'gemre'.*genre"):
        evaluate(dataset, ["no such model"], settings=EvaluationSettings(field="gemre"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"k": 0}, "1 or more"),
        ({"n_folds": 1}, "2 or more"),
        ({"n_folds": 5, "has_split": True}, "not both"),
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, int], message: str) -> None:
    """They are refused, and the message says what to give."""
    with pytest.raises(UsageError, match=message):
        EvaluationSettings(**wrong)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(UnknownChoice, match="artist"):
        checked_group("artists")


def test_too_few_groups_for_folds() -> None:
    """The message counts them; leave-one-out goes on without probe and calibration."""
    labels, artists, vectors = noisy_genres(9)
    dataset = dataset_of(labels, artists, vectors)
    with pytest.raises(DatasetError, match="9 tracks in 3 groups are too few for 5 folds"):
        evaluate(dataset, ["given"], settings=EvaluationSettings(n_folds=5))
    evaluation = evaluate(dataset, ["given"], settings=EvaluationSettings(k=2))
    assert evaluation.models[0].calibration is None
    assert any("no probe" in note for note in evaluation.notes)


def test_several_models_are_paired() -> None:
    """The better one is clearly better; a model against its copy is no different at all."""
    labels, artists, vectors = noisy_genres(160, noise=0.5)
    dataset = dataset_of(labels, artists, vectors)
    extra = {**dataset.extra_vectors, "copy": dataset.extra_vectors["given"]}
    evaluation = evaluate(
        replace(dataset, extra_vectors=extra),
        ["given", "random", "copy"],
        settings=EvaluationSettings(k=5),
    )
    by_name = {comparison.other: comparison for comparison in evaluation.comparisons}
    assert by_name["random"].difference.low > 0.2
    assert (by_name["copy"].difference.low, by_name["copy"].difference.high) == (0.0, 0.0)
    document = evaluation.to_json()
    assert [m["model"]["name"] for m in document["models"]] == ["given", "random", "copy"]
    assert document["accuracy"] == document["models"][0]["accuracy"]
    with pytest.raises(UsageError, match="same model twice"):
        evaluate(dataset, ["given", "given"], settings=EvaluationSettings())


def test_the_same_seed_gives_the_same_answer_and_seeds_are_listed() -> None:
    """Folds, intervals and random vectors all follow the seed."""
    labels, artists, vectors = noisy_genres(80)
    dataset = dataset_of(labels, artists, vectors)
    settings = EvaluationSettings(k=3, n_folds=4)
    documents = [
        evaluate(dataset, ["random"], settings=settings, n_seeds=3).to_json() for _ in range(2)
    ]
    assert json.dumps(documents[0]) == json.dumps(documents[1])
    accuracies = documents[0]["accuracies_by_seed"]
    assert len(accuracies) == 3
    assert len(set(accuracies)) > 1
    assert accuracies[0] == documents[0]["accuracy"]


def test_scaling_is_fitted_on_those_who_answer() -> None:
    """A distant test track does not change the scaling of the training tracks."""
    labels, artists, vectors = noisy_genres(40)
    dataset = dataset_of(labels, artists, vectors)
    training = np.arange(30)
    usual = baseline_vectors(dataset, "given").scaled_by(training)
    vectors[35] = 1e6
    shifted = baseline_vectors(dataset_of(labels, artists, vectors), "given").scaled_by(training)
    np.testing.assert_array_equal(usual[:35], shifted[:35])
    np.testing.assert_allclose(usual[training].mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(usual[training].std(axis=0), 1.0, atol=1e-4)


@pytest.mark.slow  # UMAP compiles itself for half a minute
def test_maps_are_judged_when_asked() -> None:
    """Ten dimensions do not fit on a flat page; two do."""
    generator = np.random.default_rng(0)
    labels, artists, _ = noisy_genres(60)
    flat = np.zeros((60, 10))
    flat[:, :2] = generator.standard_normal((60, 2))
    all_positions = np.arange(60)
    qualities = []
    for vectors in (flat, generator.standard_normal((60, 10))):
        material = material_of(dataset_of(labels, artists, vectors), field="genre", group="track")
        whole = score_whole_set(
            replace(plain(vectors), geometry=Euclidean()),
            material,
            queries=all_positions,
            references=all_positions,
            with_map=True,
            seed=0,
        )
        assert set(whole.map_trustworthiness) == {"pca", "umap"}
        qualities.append(whole.map_trustworthiness["pca"])
    assert qualities[0] == pytest.approx(1.0)
    assert qualities[1] < 0.95
