"""From a data set to answers with its labels: train on folders, index with them, ask for them."""

import json
from pathlib import Path

import pytest

from embedder.config.presets import MODELS
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from tests.cli.songs import write_song
from tests.conftest import Run, RunCli


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


def test_labels_of_folders_answer_everywhere(
    sounds: Path, model: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    """`index` offers them; once taken, every command that reads a field knows them."""

    def call(*line: str) -> Run:
        return run_cli("--library", str(tmp_path / "library"), *line)

    offered = call("index", str(sounds), "--model", str(model))
    assert offered.code == 0
    command = f"soundalike index '{sounds}' --labels-from '{sounds}'"
    assert f"To use cat, dog: {command}\n" in offered.err
    taken = call("--json", "index", str(sounds), "--labels-from", str(sounds))
    assert json.loads(taken.out)["labels"][0]["fields"] == {"genre": 6}
    cats = json.loads(call("--json", "query", "1", "-k", "5", "--where", "genre=cat").out)
    assert {track["genre"] for track in cats["neighbours"]} == {"cat"}
    vote = json.loads(call("--json", "label", "1").out)["tracks"][0]
    assert set(vote["probabilities"]) == {"cat", "dog"}
    assert json.loads(call("--json", "evaluate", "library").out)["labels"] == ["cat", "dog"]
    dogs = json.loads(call("--json", "playlist", "1", "--length", "2", "--where", "genre=dog").out)
    assert {track["genre"] for track in dogs["tracks"][1:]} <= {"dog"}
    assert call("map", "-o", str(tmp_path / "map.csv"), "--colour", "genre").code == 0
    assert "dog" in (tmp_path / "map.csv").read_text()
    assert "they replace file tags" in call("library", "info").out


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
