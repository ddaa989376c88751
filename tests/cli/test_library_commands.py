"""`soundalike library` end to end, and mistakes of all commands on a library."""

import csv
import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from embedder.config.presets import MODELS
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from index.library_folder.lock import writing
from tests.cli.songs import BROKEN, NAMES
from tests.conftest import RunCli


def test_a_dry_run_with_another_model_foresees_it(
    run_cli: RunCli, ready: Path, place: Path
) -> None:
    """It works while another process writes, adds no model, and counts as the run then does."""
    save_model(place / "other", seeded_network(MODELS["tiny"], seed=2), name="other")
    library = place / "library"
    line = ("--json", "--library", str(library), "index", str(ready / "music"))
    line += ("--model", str(place / "other"), "--exclude", BROKEN)
    with writing(library):
        forecast = json.loads(run_cli(*line, "--dry-run").out)
    with sqlite3.connect(library / "catalogue.sqlite") as catalogue:
        assert catalogue.execute("SELECT count(*) FROM models").fetchall() == [(1,)]
    catalogue.close()
    report = json.loads(run_cli(*line).out)
    counts = ("added", "updated", "moved", "unchanged", "removed")
    assert [forecast[name] for name in counts] == [report[name] for name in counts]
    assert forecast["updated"] == len(NAMES)


def test_a_digit_that_is_no_id_names_a_file(
    run_cli: RunCli, ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with the name `²` is a query track."""
    shutil.copy(ready / "music" / "c.flac", tmp_path / "²")
    monkeypatch.chdir(tmp_path)
    line = ("--json", "--library", str(ready / "library"))
    query = json.loads(run_cli(*line, "query", "²").out)["query"]
    assert [track["path"] for track in query] == [str(tmp_path / "²")]


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("query", "99"), 3, "no track has the id 99"),
        (("query", "a.wave"), 3, "a.wave: no such file. Do you mean"),
        (("query", "nosuch.mp3"), 3, "nosuch.mp3: no such file."),
        (("query", "²"), 3, "²: no such file."),
        (("query", "9" * 23), 3, f"no track has the id {'9' * 23}."),
        (("library", "remove", "9" * 5000), 3, "no track has the id 999"),
        (("features", "²", "-o", "x"), 3, "²: no such file."),
        (("features", "9" * 23, "-o", "x"), 3, f"no track has the id {'9' * 23}."),
        (("query", "1", "--where", "gener=x"), 2, "▸gener=x"),
        (("query", "1", "--hubness", "cls"), 2, "Did you mean csls"),
        (("query", "1", "-k", "0"), 2, "-k"),
        (("query", "1", "--min-score", "2"), 2, "--min-score"),
        (("query", "1", "--minus", "1"), 3, "nothing is left"),
        (("library", "remove", "77"), 3, "no track has the id"),
        (("library", "export", "-o", "x.parquet"), 2, ".csv, .json, .npz"),
        (("library", "rebuild", "--store", "hsnw"), 2, "Did you mean hnsw"),
        (("library", "rebuild", "--store", "ivf-pq"), 2, "256 tracks at least"),
    ],
)
def test_mistakes_are_one_line(
    run_cli: RunCli, ready: Path, words: tuple[str, ...], code: int, complaint: str
) -> None:
    """Each mistake is one line with a correction, and has the exit code of its kind."""
    ended = run_cli("--library", str(ready / "library"), *words)
    assert (ended.code, ended.out) == (code, "")
    assert complaint in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_info_describes_the_library(run_cli: RunCli, ready: Path) -> None:
    """The report has its size, model, kind of store with the reason, and bytes on disk."""
    info = json.loads(run_cli("--json", "--library", str(ready / "library"), "library", "info").out)
    assert (info["n_tracks"], info["model"], info["is_calibrated"]) == (6, "tiny", True)
    assert info["store"]["kind"] == "exact"
    assert "every vector is compared" in info["why"]
    assert info["bytes_on_disk"]["catalogue.sqlite"] > 0


def test_info_lists_failed_files(run_cli: RunCli, ready: Path) -> None:
    """The document and the table list failed files with their reasons."""
    line = ("--library", str(ready / "library"), "library", "info")
    info = json.loads(run_cli("--json", *line).out)
    (failure,) = info["failures"]
    assert info["n_failures"] == 1
    assert failure["path"].endswith(BROKEN)
    assert f"{BROKEN}  {failure['reason']}" in run_cli(*line).out


def test_rebuild_changes_the_kind_of_index(run_cli: RunCli, place: Path) -> None:
    """The new kind is kept, info says that it was chosen, and it finds as many neighbours."""
    line = ("--json", "--library", str(place / "library"))
    rebuilt = json.loads(run_cli(*line, "library", "rebuild", "--store", "hnsw").out)
    assert rebuilt["kind"] == "hnsw"
    assert "chosen" in json.loads(run_cli(*line, "library", "info").out)["why"]
    assert len(json.loads(run_cli(*line, "query", "1").out)["neighbours"]) == 5


def test_rebuild_changes_the_correction_for_hubs(run_cli: RunCli, place: Path) -> None:
    """Queries without --hubness use it from then on, and info names it."""
    line = ("--json", "--library", str(place / "library"))
    assert run_cli(*line, "library", "rebuild", "--hubness", "csls").code == 0
    info = json.loads(run_cli(*line, "library", "info").out)
    assert info["hubness_correction"] == "csls"


def test_what_is_removed_is_gone(run_cli: RunCli, ready: Path, place: Path) -> None:
    """A removed track is in no search any more; its file stays."""
    line = ("--json", "--library", str(place / "library"))
    removed = json.loads(run_cli(*line, "library", "remove", str(ready / "music" / "b.wav")).out)
    assert [Path(track["path"]).name for track in removed] == ["b.wav"]
    assert (ready / "music" / "b.wav").exists()
    left = json.loads(run_cli(*line, "query", "1", "-k", "10").out)["neighbours"]
    assert len(left) == 4


def test_an_export_holds_everything(run_cli: RunCli, place: Path) -> None:
    """CSV, JSON and arrays agree; a file that is there is kept without --force."""
    line = ("--library", str(place / "library"), "library", "export", "-o")
    for suffix in ("csv", "json", "npz"):
        assert run_cli(*line, str(place / f"out.{suffix}")).code == 0
    with (place / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    records = json.loads((place / "out.json").read_text())
    with np.load(place / "out.npz", allow_pickle=False) as arrays:
        assert arrays["id"].tolist() == [r["id"] for r in records]
        assert arrays["path"].tolist() == [r["path"] for r in records] == [r["path"] for r in rows]
        assert np.allclose(arrays["vector"], [r["vector"] for r in records], atol=1e-6)
        assert np.allclose(np.linalg.norm(arrays["vector"], axis=1), 1, atol=1e-5)
    assert len(rows) == 6
    ended = run_cli(*line, str(place / "out.csv"))
    assert (ended.code, "--force" in ended.err) == (2, True)
    assert run_cli(*line, str(place / "out.csv"), "--force").code == 0


def test_damage_is_found_and_mended(run_cli: RunCli, place: Path) -> None:
    """`verify` ends with 4 and names the command that helps."""
    path = place / "library" / "vectors.faiss"
    data = bytearray(path.read_bytes())
    data[60] ^= 255
    path.write_bytes(data)
    line = ("--library", str(place / "library"), "library")
    ended = run_cli(*line, "verify")
    assert (ended.code, "library rebuild" in ended.err) == (4, True)
    assert run_cli(*line, "rebuild").code == 0
    assert run_cli(*line, "verify").code == 0


def test_info_counts_sqlites_own_files_as_the_catalogue(run_cli: RunCli, ready: Path) -> None:
    """A write-ahead log adds to the catalogue's size, and the lock is not listed."""
    line = ("--json", "--library", str(ready / "library"), "library", "info")
    (ready / "library" / "library.lock").touch()
    sizes = json.loads(run_cli(*line).out)["bytes_on_disk"]
    assert set(sizes) == {"catalogue.sqlite", "library.json", "vectors.faiss"}
