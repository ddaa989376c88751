"""What `train` does with labels: several a track, tags without their field, a library's own."""

import json
from pathlib import Path
from typing import Any

import pytest

from embedder.config.loading import to_toml
from tests.cli.songs import write_song
from tests.conftest import RunCli
from tests.embedder.rich_sets import write_rich_set
from tests.embedder.small_sets import small_config


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set whose field `tag` has several values a track."""
    return write_rich_set(tmp_path_factory.mktemp("sets") / "rich")


def config_of(run_cli: RunCli, data: Path, *words: str) -> dict[str, Any]:
    return json.loads(run_cli("--json", "train", str(data), "--show-config", *words).out)


def test_a_label_with_several_values_trains_a_tagger(run_cli: RunCli, tagged: Path) -> None:
    """--label sets field, objective and sampler; a field with one value changes nothing else."""
    config = config_of(run_cli, tagged, "--label", "tag")
    assert config["dataset"]["tag_field"] == "tag"
    assert config["dataset"]["label_field"] == ""
    assert [o["kind"] for o in config["objectives"]] == ["tagging"]
    assert config["sampler"]["kind"] == "plain"
    single = config_of(run_cli, tagged, "--label", "genre")
    assert single["dataset"]["tag_field"] == ""


def test_chosen_objectives_are_kept(run_cli: RunCli, tagged: Path) -> None:
    """Objectives that are named stay, also for a field with several values."""
    words = ("--label", "tag", "--set", 'objectives=[{kind="softmax"}]')
    config = config_of(run_cli, tagged, *words)
    assert [o["kind"] for o in config["objectives"]] == ["softmax"]


def test_tagging_without_a_field_names_the_setting(
    run_cli: RunCli, tagged: Path, tmp_path: Path
) -> None:
    """The message names dataset.tag_field and the fields that exist; no folder is left."""
    words = ("--set", 'objectives=[{kind="tagging"}]', "-o", str(tmp_path / "run"))
    run = run_cli("train", str(tagged), "--preset", "tiny", *words)
    assert run.code == 3
    assert "dataset.tag_field=FIELD" in run.err
    assert "tag" in run.err.split("label fields of")[1]
    assert not (tmp_path / "run").exists()


def test_the_library_can_be_trained_on(run_cli: RunCli, tmp_path: Path, model: Path) -> None:
    """Its tracks with their labels, those of data sets too; a failure leaves no folder."""
    for number in range(8):
        label = ("cat", "dog")[number % 2]
        write_song(tmp_path / "sounds" / label / f"{number}.wav", number, seconds=2.0)
    sounds, library = str(tmp_path / "sounds"), ("--library", str(tmp_path / "library"))
    run_cli(*library, "index", sounds, "--model", str(model))
    line = (*library, "--json", "train", "library", "-o", str(tmp_path / "run"))
    failed = run_cli(*line)
    assert (failed.code, (tmp_path / "run").exists()) == (3, False)
    run_cli(*library, "index", sounds, "--labels-from", sounds)
    config = tmp_path / "small.toml"
    config.write_text(to_toml(small_config(epochs=1)))
    words = ("--config", str(config), "--set", "sampler.tracks_per_group=2")
    trained = run_cli(*line, *words, "--set", "dataset.split_by=track")
    assert trained.code == 0, trained.err
    card = json.loads((tmp_path / "run" / "best" / "card.json").read_text())
    assert card["label_head"]["labels"] == ["cat", "dog"]


@pytest.mark.slow
def test_the_library_has_folds_and_a_curve(run_cli: RunCli, tmp_path: Path, model: Path) -> None:
    """Every track is in one fold; a curve has a run for each number; both go on when repeated."""
    for number in range(12):
        label = ("cat", "dog")[number % 2]
        write_song(tmp_path / "sounds" / label / f"{number}.wav", number, seconds=2.0)
    sounds, library = str(tmp_path / "sounds"), ("--library", str(tmp_path / "library"))
    run_cli(*library, "index", sounds, "--model", str(model), "--labels-from", sounds)
    (tmp_path / "small.toml").write_text(to_toml(small_config(epochs=1)))
    words = ("--config", str(tmp_path / "small.toml"), "--set", "sampler.tracks_per_group=2")
    line = (*library, "--json", "train", "library", *words, "--set", "dataset.split_by=track")
    folds = run_cli(*line, "--folds", "2", "-o", str(tmp_path / "folds"))
    assert folds.code == 0, folds.err
    assert sum(row["n_tracks"] for row in json.loads(folds.out)["folds"]) == 12
    again = run_cli(*line, "--folds", "2", "-o", str(tmp_path / "folds"))
    assert (again.out, "epoch 1" in again.err) == (folds.out, False)
    curve = run_cli(*line, "--curve", "2,3", "--seeds", "1", "-o", str(tmp_path / "curve"))
    assert curve.code == 0, curve.err
    assert [point["n_tracks"] for point in json.loads(curve.out)["points"]] == [4, 6]
    assert (tmp_path / "curve" / "curve.png").exists()
