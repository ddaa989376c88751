"""`soundalike classify`: labels with probabilities, in every form."""

import json
from pathlib import Path

import pytest

from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from tests.conftest import RunCli
from tests.embedder.tagged_models import CONFIG, write_noise
from tests.index.labels.classify.test_classify import label_head


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_noise(tmp_path / "noise.wav")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_model(tmp_path / "model", seeded_network(CONFIG, seed=1), label_head=label_head())
    return tmp_path / "model"


def test_json_has_every_label(run_cli: RunCli, song: Path, model: Path) -> None:
    """--top limits the probabilities; the field, the label and its calibration are named."""
    run = run_cli("--json", "classify", str(song), "--model", str(model), "--each", "1")
    document = json.loads(run.out)
    (track,) = document["tracks"]
    assert (run.code, document["field"], document["calibrated_on"]) == (0, "mood", 0)
    assert track["label"] == next(iter(track["probabilities"]))
    assert set(track["probabilities"]) == {"calm", "loud"}
    assert [window["start_seconds"] for window in track["windows"]] == [0.0, 1.0]
    assert "not calibrated" in run.err
    top = run_cli("--json", "classify", str(song), "--model", str(model), "--top", "1")
    assert len(json.loads(top.out)["tracks"][0]["probabilities"]) == 1


def test_the_table_shows_labels_over_time(
    run_cli: RunCli, song: Path, model: Path, tmp_path: Path
) -> None:
    """The labels of the track, then a row for each stretch; the curve is written beside."""
    curve = tmp_path / "curve.csv"
    line = ("classify", str(song), "--model", str(model), "--each", "1", "-o", str(curve))
    run = run_cli(*line)
    assert run.code == 0
    assert "over time" in run.out
    assert "1 s" in run.out
    assert curve.read_text().count("\n") == 3
    assert run_cli(*line).code == 2  # it exists


def test_a_curve_needs_windows(run_cli: RunCli, song: Path, model: Path, tmp_path: Path) -> None:
    """-o without --each is a usage error."""
    run = run_cli("classify", str(song), "--model", str(model), "-o", str(tmp_path / "a.png"))
    assert (run.code, "--each 2" in run.err) == (2, True)


def test_several_tracks_are_a_line_each(run_cli: RunCli, song: Path, model: Path) -> None:
    """--ndjson prints a record for each track."""
    run = run_cli("--ndjson", "classify", str(song), str(song), "--model", str(model))
    records = [json.loads(line) for line in run.out.splitlines()]
    assert [record["path"] for record in records] == [str(song)] * 2
    table = run_cli("classify", str(song), str(song), "--model", str(model))
    assert table.out.count("noise.wav") == 2


def test_a_missing_file_is_no_matter_of_a_library(
    run_cli: RunCli, model: Path, tmp_path: Path
) -> None:
    """Without a library, the message names the file; only an id needs a library."""
    missing = run_cli("classify", str(tmp_path / "gone.wav"), "--model", str(model))
    assert (missing.code, "gone.wav: no such file" in missing.err) == (3, True)
    assert "library" not in missing.err
    by_id = run_cli("classify", "7", "--model", str(model))
    assert (by_id.code, "library" in by_id.err) == (3, True)
