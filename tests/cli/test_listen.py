"""`soundalike listen`: a file's labels over time, in every form."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from tests.conftest import RunCli
from tests.live.sounds import RATE, noise, write_labelled_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose labels are calm and loud."""
    return write_labelled_model(tmp_path_factory.mktemp("listen") / "model")


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sounds with two seconds of silence between them."""
    path = tmp_path_factory.mktemp("listen") / "song.wav"
    silent = np.zeros(2 * RATE, dtype=np.float32)
    write_audio(path, np.concatenate([noise(2), silent, noise(2, seed=1)])[None], RATE)
    return path


def test_ndjson_has_a_record_each_hop(run_cli: RunCli, model: Path, song: Path) -> None:
    """A program reads the time, the label and all probabilities from each line."""
    run = run_cli("--ndjson", "listen", "--file", str(song), "--model", str(model), "--window", "1")
    records = [json.loads(line) for line in run.out.splitlines()]
    assert run.code == 0, run.err
    assert [record["seconds"] for record in records] == list(np.arange(1.0, 6.01, 0.5))
    assert set(records[0]["probabilities"]) == {"calm", "loud"}
    assert [record["silence"] for record in records].count(True) == 3
    assert "11 windows in 6.0 s of sound, 3 of them silent" in run.err


def test_json_and_the_files_have_the_stretches(
    run_cli: RunCli, model: Path, song: Path, tmp_path: Path
) -> None:
    """The document, the CSV and Audacity's labels hold the same rows, apart by the silence."""
    table, labels = tmp_path / "a.csv", tmp_path / "a.txt"
    line = ("listen", "--file", str(song), "--model", str(model), "--window", "1", "--write")
    run = run_cli("--json", *line, str(table))
    document = json.loads(run.out)
    stretches = document["stretches"]
    assert document["all_labels"] == ["calm", "loud"]
    assert {
        stretch["end_seconds"] <= 2.1 or stretch["start_seconds"] >= 3.9 for stretch in stretches
    } == {True}
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["start_seconds"]) for row in rows] == [s["start_seconds"] for s in stretches]
    assert [row["label"] for row in rows] == [stretch["label"] for stretch in stretches]
    assert run_cli(*line, str(labels)).code == 0
    cells = [row.split("\t") for row in labels.read_text().splitlines()]
    assert [(float(a), float(b), name) for a, b, name in cells] == [
        (s["start_seconds"], s["end_seconds"], s["label"]) for s in stretches
    ]
    again = run_cli(*line, str(table))
    assert (again.code, "--force" in again.err) == (2, True)


def test_an_output_that_cannot_be_written_is_named(
    run_cli: RunCli, model: Path, song: Path, tmp_path: Path
) -> None:
    """A missing folder is bad input; an ending that says no format is a usage error."""
    line = ("listen", "--file", str(song), "--model", str(model), "--write")
    missing = run_cli(*line, str(tmp_path / "none" / "a.csv"))
    assert (missing.code, "a.csv: No such file" in missing.err) == (3, True)
    other = run_cli(*line, str(tmp_path / "a.doc"))
    assert (other.code, ".csv, .txt" in other.err) == (2, True)


def test_without_labels_the_message_says_what_to_do(run_cli: RunCli, song: Path) -> None:
    """Without a library and a model there is nothing to name sounds with."""
    run = run_cli("listen", "--file", str(song))
    assert (run.code, "--model" in run.err) == (2, True)
