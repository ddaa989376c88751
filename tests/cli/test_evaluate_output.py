"""Where `soundalike evaluate` writes, and how it reports files that it could not use."""

import json
from pathlib import Path

import numpy as np
import pytest

from cli.app import main
from index.evaluate import page
from tests.embedder.small_sets import write_array_set
from tests.index.toy_encoder import write_wav


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    return write_array_set(tmp_path / "set", tracks_per_genre=6)


def test_files_that_cannot_be_used_are_listed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Files that gave no track or no vector are listed, and the exit code is 5."""
    music = tmp_path / "music"
    for number in range(6):
        write_wav(music / ("folk", "jazz")[number % 2] / f"{number}.wav", number, n_samples=16000)
    (music / "folk" / "empty.wav").touch()
    (music / "folk" / "noise.wav").write_bytes(np.random.default_rng(0).bytes(300))
    line = ["evaluate", str(music), "--baseline", "mfcc", "-k", "2"]
    assert main([*line, "--json"]) == 5
    shown = capfd.readouterr()
    report = json.loads(shown.out)
    assert report["left_out"] == [
        {"path": str(music / "folk" / "empty.wav"), "reason": "empty file"}
    ]
    assert [Path(failure["path"]).name for failure in report["failed"]] == ["noise.wav"]
    assert report["n_queries"] == 6
    assert "2 of the tracks could not be" in shown.err
    assert main(line) == 5
    said = capfd.readouterr().err
    assert "1 track could not be used, such as" in said
    assert "1 track could not be measured, such as" in said


def test_ndjson_says_the_notes_beside_its_lines(
    arrays: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """NDJSON has a line for each model; the notes go to stderr."""
    line = ["evaluate", str(arrays), "--baseline", "random", "--compare", "mfcc", "-k", "100"]
    assert main([*line, "--ndjson"]) == 0
    shown = capfd.readouterr()
    names = [json.loads(row)["model"]["name"] for row in shown.out.splitlines()]
    assert names == ["random", "mfcc"]
    assert "reference tracks: all vote" in shown.err
    assert main([*line, "--ndjson", "--quiet"]) == 0
    assert capfd.readouterr().err == ""


def test_a_place_below_a_file_is_refused_before_the_work(
    arrays: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A page cannot lie below a file; the message names that file, and nothing is measured."""
    page = arrays / "tracks.csv" / "page.html"
    assert main(["evaluate", str(arrays), "--baseline", "random", "-o", str(page)]) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "tracks.csv is a file" in shown.err


def test_a_full_disk_takes_no_figures_away(
    arrays: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The figures are printed before the page is written, and the error names the page."""

    def full(path: Path, data: bytes) -> None:
        del path, data
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(page, "write_whole", full)
    line = ["evaluate", str(arrays), "--baseline", "random", "-o", str(arrays / "page.html")]
    assert main([*line, "--json"]) == 3
    shown = capfd.readouterr()
    assert json.loads(shown.out)["n_queries"] == 24
    assert "page.html: No space left on device" in shown.err
