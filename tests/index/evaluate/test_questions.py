"""Questions that cannot be answered are refused before any vector is made."""

from pathlib import Path

import numpy as np
import pytest

from embedder.errors import DatasetError, SoundalikeError, UnknownChoice, UsageError
from embedder.models.kinds.network import save_model
from embedder.networks.network import EmbeddingNetwork
from index.evaluate import evaluation
from index.evaluate.evaluation import evaluate
from index.evaluate.settings import EvaluationSettings
from index.evaluate.subjects import open_subject
from tests.embedder.small_sets import small_config, write_array_set
from tests.index.evaluation_sets import dataset_of, noisy_genres


@pytest.mark.parametrize(
    ("names", "settings", "error"),
    [
        (["random", "no-such-model"], EvaluationSettings(), UnknownChoice),
        (["random", "row-statistics"], EvaluationSettings(), UnknownChoice),
        (["random", "stored"], EvaluationSettings(), UsageError),
        (["random"], EvaluationSettings(n_folds=9), DatasetError),
        (["random"], EvaluationSettings(has_split=True), DatasetError),
    ],
)
def test_nothing_is_encoded_for_a_question_without_answer(
    names: list[str],
    settings: EvaluationSettings,
    error: type[SoundalikeError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second model's name, too many folds, a split that is not there."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a vector was made")

    monkeypatch.setattr(evaluation, "vectors_named", never)
    labels, artists, vectors = noisy_genres(24)
    with pytest.raises(error):
        evaluate(dataset_of(labels, artists, vectors), names, settings=settings)


def test_a_negative_seed_is_refused() -> None:
    """NumPy takes no negative seed."""
    with pytest.raises(UsageError, match="--seed -1"):
        EvaluationSettings(seed=-1)


def test_a_model_of_other_pictures_says_how_they_differ(tmp_path: Path) -> None:
    """The message uses the words of evaluation, not of training."""
    folder = write_array_set(tmp_path / "set", rows=12)
    save_model(tmp_path / "model", EmbeddingNetwork(small_config().model), name="small")
    with pytest.raises(DatasetError, match=r"have 12 rows, and the model .* takes 16") as caught:
        evaluate(open_subject(folder), [str(tmp_path / "model")], settings=EvaluationSettings())
    assert "--from" not in str(caught.value)


def test_a_column_of_other_sides_stands_in_nobodys_way(tmp_path: Path) -> None:
    """Folds ask for no sides, and a table of sides replaces what the column says."""
    folder = write_array_set(tmp_path / "set", tracks_per_genre=4)
    table = folder / "tracks.csv"
    table.write_text(table.read_text().replace(",training", ",fold 1"))
    sides = tmp_path / "sides.csv"
    sides.write_text("track,split\nt000,train\nt001,test\n")
    with pytest.raises(DatasetError, match="'fold 1' is no side"):
        open_subject(folder)
    assert len(open_subject(folder, reads_sides=False).rows) == 16
    assert len(open_subject(folder, split=str(sides)).positions("test")) == 1


def test_a_track_on_two_sides_is_refused(tmp_path: Path) -> None:
    """The last line must not win unseen; the same line twice does no harm."""
    folder = write_array_set(tmp_path / "set", tracks_per_genre=4)
    sides = tmp_path / "sides.csv"
    sides.write_text("track,split\nt000,train\nt001,test\nt000,training\n")
    assert open_subject(folder, split=str(sides)).rows[0].split == "train"
    sides.write_text("track,split\nt000,train\nt001,test\nt000,test\n")
    with pytest.raises(DatasetError, match="row 4: 't000' is on two sides, 'train' and 'test'"):
        open_subject(folder, split=str(sides))
    with pytest.raises(DatasetError, match=r"none\.parquet: no such file"):
        open_subject(folder, split=str(tmp_path / "none.parquet"))


def test_what_one_model_cannot_hear_is_left_out_before_rounds_are_made() -> None:
    """Folds are those of the tracks that remain."""
    labels, artists, vectors = noisy_genres(48)
    spoilt = vectors.copy()
    spoilt[:3] = np.nan  # all of one artist
    evaluation = evaluate(
        dataset_of(labels, artists, spoilt),
        ["random", "given"],
        settings=EvaluationSettings(n_folds=5, k=3),
    )
    assert evaluation.protocol["n_tracks"] == evaluation.models[0].n_queries == 45
    assert evaluation.protocol["n_groups"] == 15


def test_a_name_that_means_two_things_is_refused(tmp_path: Path) -> None:
    """Vectors of the data set would pass for the model or baseline of their name."""
    folder = write_array_set(tmp_path / "set", tracks_per_genre=6)
    names = np.array([f"t{i:03}" for i in range(24)])
    drawn = np.random.default_rng(0).random((24, 3))
    np.savez(folder / "more.npz", track=names, default=drawn, mfcc=drawn, teacher=drawn)
    dataset = open_subject(folder)
    for name in ("default", "mfcc"):
        with pytest.raises(
            UsageError, match=f"{name}: both an array of set and a baseline or model"
        ):
            evaluate(dataset, [name], settings=EvaluationSettings())
    assert evaluate(dataset, ["teacher"], settings=EvaluationSettings(k=3)).models


def test_a_map_of_few_tracks_is_refused_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not after all of them have been encoded."""
    monkeypatch.setattr(evaluation, "vectors_named", pytest.fail)
    labels, artists, vectors = noisy_genres(20)
    with pytest.raises(UsageError, match="--map: 20 tracks"):
        evaluate(
            dataset_of(labels, artists, vectors),
            ["random"],
            settings=EvaluationSettings(with_map=True),
        )
