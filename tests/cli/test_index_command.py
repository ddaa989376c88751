"""`soundalike index` end to end: what is added, what failed, what a second run does."""

import json
import os
import signal
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
from tests.cli.songs import BROKEN, ODD, RATE, ROOT, write_song
from tests.conftest import RunCli


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
    """The report marks the failure as known, and stderr names the option that tries again."""
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
    """A scan without new files and a query by id import neither torch nor the decoder."""
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
    """An unknown model gives a list of the known ones, and no library is left behind."""
    write_song(tmp_path / "music" / "a.wav", 1)
    line = ("--library", str(tmp_path / "library"), "index", str(tmp_path / "music"))
    ended = run_cli(*line, "--model", "nothing-like-it")
    assert ended.code == 2
    assert "unknown model 'nothing-like-it'" in ended.err
    assert not (tmp_path / "library").exists()


def test_a_missing_folder_and_a_foreign_one(run_cli: RunCli, tmp_path: Path, model: Path) -> None:
    """A missing folder is bad input, and a folder of music does not become a library."""
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
    assert run_cli(*line).err == "Next: the same command without --dry-run does it.\n"


def test_a_vanished_file_is_gone_until_it_is_pruned(
    run_cli: RunCli, tmp_path: Path, model: Path
) -> None:
    """The table says gone for a missing file, and removed after --prune."""
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


def test_another_model_takes_over(run_cli: RunCli, tmp_path: Path, model: Path) -> None:
    """--model with another model encodes every track anew; a query works before and after."""
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
    """The exit code is 130, one line says how to continue, and the next run does the rest."""
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
    """The number of tracks that can be searched so far."""
    from index.catalogue.catalogue import Catalogue

    if not (folder / "library.json").exists():
        return 0
    catalogue = Catalogue.open_to_read(folder / "catalogue.sqlite")
    try:
        return catalogue.counts()["tracks"]
    finally:
        catalogue.close()
