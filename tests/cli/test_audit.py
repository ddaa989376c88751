"""`soundalike audit` end to end: its findings, its page, the split that it writes."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from cli.app import main
from tests.embedder.small_sets import write_array_set
from tests.index.toy_encoder import write_wav


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """A data set with one array twice, on two sides."""
    folder = write_array_set(tmp_path / "set")
    archive = dict(np.load(folder / "spectrograms.npz"))
    archive["spectrogram"][34] = archive["spectrogram"][0]
    np.savez(folder / "spectrograms.npz", **archive)
    return folder


def test_findings_in_json(arrays: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The report names the copy and says that it is on both sides of the split."""
    assert main(["audit", str(arrays), "--json"]) == 0
    audit = json.loads(capfd.readouterr().out)
    assert audit["counts"]["exact-duplicate"] == 1
    assert audit["counts"]["duplicate-across-split"] == 1
    assert ["t000", "t034"] in [finding["tracks"] for finding in audit["findings"]]


def test_a_page_is_not_replaced_without_force(
    arrays: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """-o writes a page; a second time the message names --force."""
    page = tmp_path / "audit.html"
    assert main(["audit", str(arrays), "-o", str(page)]) == 0
    assert page.read_text().startswith("<!doctype html>")
    assert main(["audit", str(arrays), "-o", str(page)]) == 2
    assert "--force" in capfd.readouterr().err


def test_a_fixed_split_is_what_evaluate_reads(
    arrays: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """--fix-split says how many tracks it moved, and `evaluate --split` takes the table."""
    table = tmp_path / "fixed.csv"
    assert main(["audit", str(arrays), "--fix-split", str(table)]) == 0
    assert "tracks moved" in capfd.readouterr().err
    line = ["evaluate", str(arrays), "--baseline", "row-statistics", "--split", str(table)]
    assert main([*line, "--json"]) == 0
    protocol = json.loads(capfd.readouterr().out)["protocol"]
    assert protocol["kind"] == "split"
    assert "fixed.csv" in protocol["split"]


def test_findings_are_shown_where_no_split_can_be_had(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The tracks of one artist cannot be split; the findings are still printed."""
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
    """Each kind of finding has its count and some examples; what was not found is one line."""
    assert main(["audit", str(arrays), "--model", "row-statistics"]) == 0
    shown = capfd.readouterr().out
    assert shown.splitlines()[0].endswith("tracks")
    assert "(exact-duplicate: " in shown
    assert "t000, t034" in shown
    assert shown.index("t000, t034") < shown.index("Checked, and nothing found: ")


def test_files_without_labels_or_sound_are_looked_at_all_the_same(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A folder of broken files without labels and tags can be audited."""
    folder = tmp_path / "music"
    (folder / "album").mkdir(parents=True)
    for number in range(3):
        (folder / "album" / f"{number}.mp3").write_bytes(bytes(range(64)) * (number + 1))
    assert main(["--json", "audit", str(folder)]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["n_tracks"] == 3
    assert report["counts"]["unreadable"] == 3
    assert main(["evaluate", str(folder)]) == 3
    assert "no track has a label" in capfd.readouterr().err


def test_a_missing_data_set_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """The exit code is that of bad input."""
    assert main(["audit", "no-such-set"]) == 3
    assert capfd.readouterr().err.count("\n") == 1


def test_the_bar_reaches_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It moves once for each file of the data set."""
    for number in range(4):
        write_wav(tmp_path / "set" / "ab"[number % 2] / f"{number}.wav", number)
    advances: list[int] = []

    @contextmanager
    def recorded(*_: object, total: int, **__: object) -> Iterator[Callable[[int], None]]:
        yield advances.append
        advances.append(-total)

    monkeypatch.setattr("cli.commands.audit.bar", recorded)
    assert main(["--quiet", "audit", str(tmp_path / "set")]) == 0
    assert advances == [1, 1, 1, 1, -4]
