"""`soundalike audit` from the outside: its answer, its page, the split that it writes."""

import json
from pathlib import Path

import numpy as np
import pytest

from cli.app import main
from tests.embedder.small_sets import write_array_set


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """A data set with one array twice, on two sides."""
    folder = write_array_set(tmp_path / "set")
    archive = dict(np.load(folder / "spectrograms.npz"))
    archive["spectrogram"][34] = archive["spectrogram"][0]
    np.savez(folder / "spectrograms.npz", **archive)
    return folder


def test_findings_page_and_split(
    arrays: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """All three at once; the split is what `evaluate --split` reads."""
    page, table = tmp_path / "audit.html", tmp_path / "fixed.csv"
    line = ["audit", str(arrays), "-o", str(page), "--fix-split", str(table)]
    assert main([*line, "--json"]) == 0
    captured = capfd.readouterr()
    found = json.loads(captured.out)
    assert found["counts"]["exact-duplicate"] == 1
    assert found["counts"]["duplicate-across-split"] == 1
    assert ["t000", "t034"] in [one["tracks"] for one in found["findings"]]
    assert "tracks moved" in captured.err
    assert page.read_text().startswith("<!doctype html>")
    assert main(line) == 2
    assert "--force" in capfd.readouterr().err
    measured = ["evaluate", str(arrays), "--baseline", "row-statistics", "--split", str(table)]
    assert main([*measured, "--json"]) == 0
    protocol = json.loads(capfd.readouterr().out)["protocol"]
    assert protocol["kind"] == "split"
    assert "fixed.csv" in protocol["split"]


def test_findings_are_shown_where_no_split_can_be_had(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of one artist nothing can be parted, and an hour of listening is not lost for that."""
    folder = write_array_set(tmp_path / "set")
    lines = (folder / "tracks.csv").read_text().splitlines()
    names = [line.split(",")[0] for line in lines[1:]]
    table = ["track,genre,artist", *(f"{name},jazz,Somebody" for name in names)]
    (folder / "tracks.csv").write_text("\n".join(table))
    split = tmp_path / "fixed.csv"
    assert main(["--json", "audit", str(folder), "--fix-split", str(split)]) == 3
    captured = capfd.readouterr()
    assert json.loads(captured.out)["counts"]["few-artists"] == 1
    assert "cannot be split" in captured.err
    assert not split.exists()


def test_one_file_cannot_hold_page_and_split(
    arrays: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The second would overwrite the first; nothing is audited."""
    name = str(tmp_path / "out")
    assert main(["audit", str(arrays), "-o", name, "--fix-split", name]) == 2
    assert "a file each" in capfd.readouterr().err
    assert not Path(name).exists()


def test_a_table_for_people(arrays: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What was looked for, with its count, and some of each kind."""
    assert main(["audit", str(arrays), "--model", "row-statistics"]) == 0
    shown = capfd.readouterr().out
    assert "exact-duplicate" in shown
    assert "t000, t034" in shown


def test_files_without_labels_or_sound_are_looked_at_all_the_same(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A folder of broken files, in no label's folder and without tags, is what audits are for."""
    folder = tmp_path / "music"
    (folder / "album").mkdir(parents=True)
    for number in range(3):
        (folder / "album" / f"{number}.mp3").write_bytes(bytes(range(64)) * (number + 1))
    assert main(["--json", "audit", str(folder)]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["n_tracks"] == 3
    assert found["counts"]["unreadable"] == 3
    assert main(["evaluate", str(folder)]) == 3
    assert "no track has a label" in capfd.readouterr().err


def test_a_missing_data_set_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """And its exit code is that of bad input."""
    assert main(["audit", "no-such-set"]) == 3
    assert capfd.readouterr().err.count("\n") == 1
