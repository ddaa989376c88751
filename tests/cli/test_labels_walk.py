"""From a data set to answers with its labels: train on folders, index with them, ask for them."""

import json
from pathlib import Path

import pytest

from embedder.config.presets import MODELS
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from index.indexing.request import IndexOptions
from index.indexing.run import update_library
from tests.cli.songs import write_song
from tests.conftest import RunCli


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of two labels, three songs in each."""
    folder = tmp_path_factory.mktemp("sets") / "my sounds"
    for number in range(6):
        write_song(folder / ("cat", "dog")[number % 2] / f"{number}.wav", number, seconds=3.0)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(folder, seeded_network(MODELS["tiny"], seed=1), name="tiny")
    return folder


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory, sounds: Path, model: Path) -> Path:
    """A library that has taken its labels from the folders."""
    folder = tmp_path_factory.mktemp("labelled") / "library"
    update_library(folder, [sounds], model=str(model), options=IndexOptions(labels_from=(sounds,)))
    return folder


def test_index_offers_the_labels_of_folders(
    sounds: Path, model: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    """A run that does not take them prints the command that does."""
    offered = run_cli(
        "--library", str(tmp_path / "library"), "index", str(sounds), "--model", str(model)
    )
    assert offered.code == 0
    command = f"soundalike index '{sounds}' --labels-from '{sounds}'"
    assert f"To use cat, dog: {command}\n" in offered.err


def test_index_counts_the_labels_that_it_takes(
    sounds: Path, model: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    """The JSON has the number of labelled tracks for each field."""
    line = ("--library", str(tmp_path / "library"), "--json", "index", str(sounds))
    taken = run_cli(*line, "--model", str(model), "--labels-from", str(sounds))
    assert json.loads(taken.out)["labels"][0]["fields"] == {"genre": 6}


def test_a_query_filters_by_the_labels(labelled: Path, run_cli: RunCli) -> None:
    """`--where genre=cat` finds the tracks of the folder cat alone."""
    line = ("--library", str(labelled), "--json", "query", "1", "-k", "5")
    cats = json.loads(run_cli(*line, "--where", "genre=cat").out)
    assert {track["genre"] for track in cats["neighbours"]} == {"cat"}


def test_the_vote_is_on_the_labels(labelled: Path, run_cli: RunCli) -> None:
    """`label` gives the folders' names probabilities."""
    vote = json.loads(run_cli("--library", str(labelled), "--json", "label", "1").out)
    assert set(vote["tracks"][0]["probabilities"]) == {"cat", "dog"}


def test_evaluation_scores_the_labels(labelled: Path, run_cli: RunCli) -> None:
    """`evaluate library` measures the folders' names."""
    report = json.loads(run_cli("--library", str(labelled), "--json", "evaluate", "library").out)
    assert report["labels"] == ["cat", "dog"]


def test_a_playlist_filters_by_the_labels(labelled: Path, run_cli: RunCli) -> None:
    """After the seed, all tracks are from the folder of the filter."""
    line = ("--library", str(labelled), "--json", "playlist", "1", "--length", "2")
    dogs = json.loads(run_cli(*line, "--where", "genre=dog").out)
    assert [track["genre"] for track in dogs["tracks"][1:]] == ["dog"]


def test_the_map_has_the_labels(labelled: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """`--colour genre` writes them to the table of the map."""
    target = tmp_path / "map.csv"
    run = run_cli("--library", str(labelled), "map", "-o", str(target), "--colour", "genre")
    assert run.code == 0
    assert "dog" in target.read_text()


def test_info_lists_the_data_set(labelled: Path, run_cli: RunCli) -> None:
    """`library info` says that its labels replace those in the files."""
    assert "they replace file tags" in run_cli("--library", str(labelled), "library", "info").out


def test_settings_say_how_labels_are_read(
    sounds: Path, model: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    """The table of a file for train, then single settings; they need --labels-from."""
    (tmp_path / "pets.toml").write_text('[dataset]\nmerge_labels = {pet = ["cat"]}\n')
    line = ("--library", str(tmp_path / "library"), "index", str(sounds), "--model", str(model))
    config = ("--config", str(tmp_path / "pets.toml"))
    refused = run_cli(*line, *config)
    assert (refused.code, "--labels-from" in refused.err) == (2, True)
    assert run_cli(*line, "--labels-from", str(sounds), *config).code == 0
    pets = run_cli(*line[:2], "--json", "library", "list", "--where", "genre=pet")
    assert json.loads(pets.out)["total"] == 3


def test_none_forgets_the_data_sets(
    sounds: Path, model: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    """`--labels-from none` works alone; beside a data set it is refused."""
    line = ("--library", str(tmp_path / "library"), "--json", "index", str(sounds))
    run_cli(*line, "--model", str(model), "--labels-from", str(sounds))
    refused = run_cli(*line, "--labels-from", "none", "--labels-from", str(sounds))
    assert (refused.code, "give it alone" in refused.err) == (2, True)
    assert json.loads(run_cli(*line).out)["labels"] != []
    assert json.loads(run_cli(*line, "--labels-from", "none").out)["labels"] == []
