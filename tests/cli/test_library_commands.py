"""index, query and library, end to end: a small real model and a few synthesised songs."""

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from embedder.config.presets import MODELS
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from index.library_folder.lock import writing
from index.vectors.calibration import Calibration
from tests.conftest import RunCli

RATE = 22_050
BROKEN = "broken.mp3"
ODD = "🎸 señor.wav"
NAMES = ("a.wav", "b.wav", "c.flac", "d.ogg", "e.wav", ODD)
ROOT = Path(__file__).parents[2]


def write_song(path: Path, seed: int, *, seconds: float = 4.0) -> None:
    """A few notes with overtones, drawn by a seed."""
    generator = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    samples = 0.02 * generator.standard_normal(len(times))
    for step in generator.integers(0, 24, size=4):
        pitch = 110 * 2 ** (step / 12)
        beat = np.sin(np.pi * times * generator.integers(1, 5)) ** 2
        for overtone in range(1, 5):
            samples += 0.1 / overtone * beat * np.sin(2 * np.pi * pitch * overtone * times)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, samples[None].astype(np.float32), RATE)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    calibration = Calibration((0.0, 0.5, 2.0), (1.0, 0.5, 0.0)).to_json()
    network = seeded_network(MODELS["tiny"], seed=1)
    save_model(folder, network, name="tiny", facts={"calibration": calibration})
    return folder


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """A folder with music (a broken file among it) and a library of it."""
    from cli.app import main

    place = tmp_path_factory.mktemp("ready")
    for seed, name in enumerate(NAMES):
        write_song(place / "music" / name, seed)
    (place / "music" / BROKEN).write_bytes(b"no music")
    words = ["--quiet", "--library", str(place / "library"), "index", str(place / "music")]
    assert main([*words, "--model", str(model)]) == 5
    return place


@pytest.fixture
def place(ready: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change. Paths in the library are those of the original."""
    shutil.copytree(ready / "library", tmp_path / "library")
    return tmp_path


@pytest.fixture
def indexed(run_cli: RunCli, tmp_path: Path, model: Path) -> tuple[str, ...]:
    """The words that index a folder of one song and one broken file, after the first run."""
    write_song(tmp_path / "music" / ODD, 1)
    (tmp_path / "music" / BROKEN).write_bytes(b"no music")
    line = ("--json", "--library", str(tmp_path / "library"), "index", str(tmp_path / "music"))
    assert run_cli(*line, "--model", str(model)).code == 5
    return line


def test_indexing_tells_what_failed(run_cli: RunCli, tmp_path: Path, model: Path) -> None:
    """The report names the broken file with its reason, stderr too, and the rest is added."""
    write_song(tmp_path / "music" / ODD, 1)
    (tmp_path / "music" / BROKEN).write_bytes(b"no music")
    line = ("--json", "--library", str(tmp_path / "library"), "index", str(tmp_path / "music"))
    ended = run_cli(*line, "--model", str(model))
    report = json.loads(ended.out)
    assert (ended.code, report["added"], report["analysed"]) == (5, 1, 1)
    (failure,) = report["failed"]
    assert f"{tmp_path / 'music' / BROKEN}: {failure['reason']}" in ended.err
    assert "1 file could not be used" in ended.err


def test_indexing_twice_analyses_once(run_cli: RunCli, indexed: tuple[str, ...]) -> None:
    """The second run uses the library's own model, and has nothing to do."""
    report = json.loads(run_cli(*indexed).out)
    assert (report["added"], report["unchanged"], report["analysed"]) == (0, 1, 0)


def test_a_file_that_failed_before_is_not_tried_again(
    run_cli: RunCli, indexed: tuple[str, ...]
) -> None:
    """The report says that the failure is known, and stderr which option tries again."""
    ended = run_cli(*indexed)
    assert [failure["is_known"] for failure in json.loads(ended.out)["failed"]] == [True]
    assert "--retry-failed tries again" in ended.err


def test_a_failure_goes_with_its_file(
    run_cli: RunCli, tmp_path: Path, indexed: tuple[str, ...]
) -> None:
    """Once the broken file is deleted, nothing has failed any more."""
    (tmp_path / "music" / BROKEN).unlink()
    ended = run_cli(*indexed, "--prune")
    assert (ended.code, json.loads(ended.out)["failed"]) == (0, [])


def test_a_rescan_needs_no_torch(ready: Path) -> None:
    """Nothing new: neither torch nor the decoder is imported. Nor for a query by id."""
    line = ["--quiet", "--json", "--library", str(ready / "library")]
    for words in (["index", str(ready / "music" / "a.wav")], ["query", "1"], ["library", "info"]):
        code = (
            "import sys; from cli.app import main; "
            f"assert main({[*line, *words]}) == 0;"
            "slow = {'torch', 'av', 'pandas', 'scipy', 'sklearn', 'rich'} & set(sys.modules);"
            "assert not slow, slow"
        )
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


def test_no_model_says_what_to_do(run_cli: RunCli, tmp_path: Path) -> None:
    """A name that is none lists those that are; nothing is left behind."""
    write_song(tmp_path / "music" / "a.wav", 1)
    line = ("--library", str(tmp_path / "library"), "index", str(tmp_path / "music"))
    ended = run_cli(*line, "--model", "nothing-like-it")
    assert ended.code == 2
    assert "unknown model 'nothing-like-it'" in ended.err
    assert not (tmp_path / "library").exists()


def test_a_missing_folder_and_a_foreign_one(run_cli: RunCli, tmp_path: Path, model: Path) -> None:
    """A missing folder is bad input, a folder of music no library; neither becomes one."""
    line = ("--library", str(tmp_path / "library"), "index")
    ended = run_cli(*line, str(tmp_path / "nowhere"), "--model", str(model))
    assert (ended.code, "no such file or folder" in ended.err) == (3, True)
    assert not (tmp_path / "library").exists()
    write_song(tmp_path / "music" / "a.wav", 1)
    music = str(tmp_path / "music")
    foreign = run_cli("--library", music, "index", music, "--model", str(model))
    assert (foreign.code, "--library" in foreign.err, "--force" in foreign.err) == (2, True, False)


def test_an_index_run_without_files_says_so(run_cli: RunCli, tmp_path: Path, model: Path) -> None:
    """An empty folder and an --include that matches nothing give a note."""
    (tmp_path / "music").mkdir()
    line = ("--library", str(tmp_path / "library"), "index", str(tmp_path / "music"))
    line += ("--model", str(model), "--dry-run")
    assert run_cli(*line).err == f"{tmp_path / 'music'}: no audio file found.\n"
    write_song(tmp_path / "music" / "a.wav", 1, seconds=0.2)
    narrow = run_cli(*line, "--include", "*.ogg")
    assert narrow.err == f"{tmp_path / 'music'}: no audio file found with --include '*.ogg'.\n"
    assert run_cli(*line).err == ""


def test_a_vanished_file_is_gone_until_it_is_pruned(
    run_cli: RunCli, tmp_path: Path, model: Path
) -> None:
    """The table says gone for what comes back with its file, removed for what --prune forgets."""
    write_song(tmp_path / "music" / "a.wav", 1)
    write_song(tmp_path / "music" / "b.wav", 2)
    line = ("--library", str(tmp_path / "library"), "index", str(tmp_path / "music"))
    assert run_cli(*line, "--model", str(model)).code == 0
    (tmp_path / "music" / "b.wav").unlink()
    rows = dict(row.split() for row in run_cli(*line).out.splitlines())
    assert rows["gone"] == "1"
    assert "removed" not in rows
    rows = dict(row.split() for row in run_cli(*line, "--prune").out.splitlines())
    assert rows["removed"] == "1"
    assert "gone" not in rows


def test_a_dry_run_leaves_nothing(run_cli: RunCli, tmp_path: Path, model: Path) -> None:
    """It counts what it would do, with include and exclude, and makes no library."""
    for name in ("a.wav", "b.wav", "live/c.wav", "d.flac"):
        write_song(tmp_path / "music" / name, 1, seconds=0.2)
    line = ("--json", "--library", str(tmp_path / "library"), "index", str(tmp_path / "music"))
    line += ("--model", str(model), "--dry-run")
    assert json.loads(run_cli(*line).out)["added"] == 4
    narrow = run_cli(*line, "--include", "*.wav", "--exclude", "live")
    assert json.loads(narrow.out)["added"] == 2
    assert not (tmp_path / "library").exists()


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


def test_a_query_by_id_path_and_several(run_cli: RunCli, ready: Path) -> None:
    """The same track by its id and its path; the query never comes back; fields are stable."""
    library = ("--json", "--library", str(ready / "library"))
    by_path = json.loads(run_cli(*library, "query", str(ready / "music" / ODD), "-k", "3").out)
    assert set(by_path) == {"query", "neighbours"}
    (asked,) = by_path["query"]
    by_id = json.loads(run_cli(*library, "query", str(asked["id"]), "-k", "3").out)
    assert by_id == by_path
    fields = {"id", "path", "title", "artist", "album", "genre", "duration_seconds"}
    for rank, neighbour in enumerate(by_path["neighbours"], start=1):
        assert fields | {"rank", "score", "distance", "percentile"} <= set(neighbour)
        assert neighbour["rank"] == rank
        expected = np.interp(neighbour["distance"], (0, 0.5, 2), (1, 0.5, 0))
        assert neighbour["score"] == pytest.approx(expected)
    several = json.loads(run_cli(*library, "query", "1", "2", "-k", "10").out)
    names = {Path(neighbour["path"]).name for neighbour in several["neighbours"]}
    assert names == {*NAMES} - {"a.wav", "b.wav"}


def test_paths_flow_through_pipes(run_cli: RunCli, ready: Path) -> None:
    """--paths prints what `query -` reads, with names that are hard on shells."""
    library = ["--quiet", "--library", str(ready / "library")]
    printed = run_cli(*library, "--paths", "-0", "query", "1", "-k", "5").out
    ended = subprocess.run(
        [sys.executable, "-m", "cli", *library, "--json", "-0", "query", "-", "-k", "5"],
        input=printed.encode(),
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    assert [n["id"] for n in json.loads(ended.stdout)["neighbours"]] == [1]


def test_a_file_from_elsewhere(run_cli: RunCli, ready: Path, tmp_path: Path) -> None:
    """A new file is encoded; a copy of a stored one is not, and copies are marked or left out."""
    library = ("--json", "--library", str(ready / "library"))
    write_song(tmp_path / "new.wav", 77)
    new = json.loads(run_cli(*library, "query", str(tmp_path / "new.wav")).out)
    assert new["query"][0]["id"] is None
    assert len(new["neighbours"]) == 6
    assert not any(n["is_duplicate"] for n in new["neighbours"])
    copy = tmp_path / "copy.wav"
    shutil.copyfile(ready / "music" / "b.wav", copy)
    marked = json.loads(run_cli(*library, "query", str(copy)).out)["neighbours"]
    assert [Path(n["path"]).name for n in marked if n["is_duplicate"]] == ["b.wav"]
    assert marked[0]["distance"] == pytest.approx(0, abs=1e-5)
    dropped = json.loads(run_cli(*library, "query", str(copy), "--no-duplicates").out)
    assert "b.wav" not in {Path(n["path"]).name for n in dropped["neighbours"]}
    part = run_cli(*library, "query", str(copy), "--start", "1", "--seconds", "2.5")
    first = json.loads(part.out)["neighbours"][0]
    assert Path(first["path"]).name == "b.wav"
    assert first["distance"] > 0


def test_a_digit_that_is_no_id_names_a_file(
    run_cli: RunCli, ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with the name `²` is a query track."""
    shutil.copy(ready / "music" / "c.flac", tmp_path / "²")
    monkeypatch.chdir(tmp_path)
    line = ("--json", "--library", str(ready / "library"))
    query = json.loads(run_cli(*line, "query", "²").out)["query"]
    assert [track["path"] for track in query] == [str(tmp_path / "²")]


def test_reasons(run_cli: RunCli, ready: Path) -> None:
    """--explain names stretches that lie in both files, three aspects, and what was left out."""
    line = ("--library", str(ready / "library"), "query", "1", "-k", "2", "--where", "id>=3")
    told = json.loads(run_cli("--json", *line, "--explain").out)
    assert {left["reason"] for left in told["left_out"]} <= {"where"}
    for neighbour in told["neighbours"]:
        reasons = neighbour["explanation"]
        assert reasons["stretches"]
        for stretch in reasons["stretches"]:
            for begins, ends in (stretch["seconds"], stretch["query_seconds"]):
                assert 0 <= begins < ends <= 4.1
        assert all(0 <= reasons[name] <= 1 for name in ("timbre", "rhythm", "harmony"))
    table = run_cli(*line, "--explain").out
    assert "sounds like 0:0" in table
    assert "harmony" in table


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
    """With what would have been right, and the exit code of its kind."""
    ended = run_cli("--library", str(ready / "library"), *words)
    assert (ended.code, ended.out) == (code, "")
    assert complaint in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_an_empty_answer_is_no_error(run_cli: RunCli, ready: Path) -> None:
    """Nothing scores so high: an empty list and 0."""
    line = ("--json", "--library", str(ready / "library"), "query", "1", "--where", "id=1")
    ended = run_cli(*line)
    assert (ended.code, json.loads(ended.out)["neighbours"]) == (0, [])


def test_info_describes_the_library(run_cli: RunCli, ready: Path) -> None:
    """Its size, its model, how and why it is searched that way, and its space on the disk."""
    info = json.loads(run_cli("--json", "--library", str(ready / "library"), "library", "info").out)
    assert (info["n_tracks"], info["model"], info["is_calibrated"]) == (6, "tiny", True)
    assert info["store"]["kind"] == "exact"
    assert "every vector is compared" in info["why"]
    assert info["bytes_on_disk"]["catalogue.sqlite"] > 0


def test_info_lists_failed_files(run_cli: RunCli, ready: Path) -> None:
    """In the document with a reason, and in the table for people."""
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


def test_another_model_takes_over(run_cli: RunCli, tmp_path: Path, model: Path) -> None:
    """--model with another one gives every track its vector; a query works before and after."""
    write_song(tmp_path / "music" / "a.wav", 1)
    write_song(tmp_path / "music" / "b.wav", 2)
    other = tmp_path / "other"
    save_model(other, seeded_network(MODELS["tiny"], seed=2), name="other")
    line = ("--json", "--library", str(tmp_path / "library"))
    assert run_cli(*line, "index", str(tmp_path / "music"), "--model", str(model)).code == 0
    before = json.loads(run_cli(*line, "query", "1").out)["neighbours"][0]["distance"]
    assert run_cli(*line, "index", str(tmp_path / "music"), "--model", str(other)).code == 0
    after = json.loads(run_cli(*line, "query", "1").out)["neighbours"][0]["distance"]
    assert before != after
    assert json.loads(run_cli(*line, "library", "info").out)["model"] == "other"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_control_c_keeps_what_is_done(run_cli: RunCli, tmp_path: Path, model: Path) -> None:
    """130, one line on how to go on, and the next run does only the rest."""
    (tmp_path / "music").mkdir()
    generator = np.random.default_rng(0)
    for number in range(80):
        noise = generator.uniform(-0.5, 0.5, size=(1, 3 * RATE)).astype(np.float32)
        write_audio(tmp_path / "music" / f"{number:03}.wav", noise, RATE)
    library = tmp_path / "library"
    line = ["--library", str(library), "index", str(tmp_path / "music"), "--workers", "1"]
    line += ["--model", str(model)]
    running = subprocess.Popen(
        [sys.executable, "-m", "cli", *line], cwd=ROOT, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not _n_vectors(library) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert b"The same command continues" in err
    assert b"Traceback" not in err
    n_done = _n_vectors(library)
    assert n_done > 0
    report = json.loads(run_cli("--json", *line).out)
    assert report["analysed"] == 80 - n_done
    assert _n_vectors(library) == 80


def _n_vectors(folder: Path) -> int:
    """How many tracks can be searched so far."""
    from index.catalogue.catalogue import Catalogue

    if not (folder / "library.json").exists():
        return 0
    catalogue = Catalogue.open_to_read(folder / "catalogue.sqlite")
    try:
        return catalogue.counts()["tracks"]
    finally:
        catalogue.close()


def test_info_counts_sqlites_own_files_as_the_catalogue(run_cli: RunCli, ready: Path) -> None:
    """A write-ahead log adds to the catalogue's size, and the lock is not listed."""
    line = ("--json", "--library", str(ready / "library"), "library", "info")
    (ready / "library" / "library.lock").touch()
    sizes = json.loads(run_cli(*line).out)["bytes_on_disk"]
    assert set(sizes) == {"catalogue.sqlite", "library.json", "vectors.faiss"}
