"""Two processes with one library: one writer at a time, and readers see whole batches."""

import sqlite3
import time
from pathlib import Path

import pytest

from index.library import Library
from tests.faults.processes import Running, Workshop
from tests.index.toy_encoder import ToyEncoder, write_wav

N_FILES = 24
LOCKED_SECONDS = 30.0


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Small files."""
    for number in range(N_FILES):
        write_wav(tmp_path / "music" / f"{number:02}.wav", number)
    return tmp_path / "music"


def start_slow(workshop: Workshop, library: Path, music: Path, *words: str) -> Running:
    """A run of `index` that has begun to write and takes a second."""
    log = library.parent / "analysed"
    running = workshop.start(
        *("--library", library, "index", music, *words),
        environment={"TOY_LOG": str(log), "TOY_SECONDS": "0.04"},
    )
    while not log.exists():
        time.sleep(0.005)
    return running


def test_a_second_writer_is_refused(workshop: Workshop, tmp_path: Path, music: Path) -> None:
    """One line names the process that writes, the code is 3, and the first run is unharmed."""
    first = start_slow(workshop, tmp_path / "library", music)
    second = workshop.run("--library", tmp_path / "library", "index", music)
    assert second.code == 3
    assert second.err.count("\n") == 1
    assert f"process {first.pid} is writing to the library" in second.err
    assert first.wait().code == 0
    with Library.open(tmp_path / "library") as library:
        assert len(library) == N_FILES
        assert library.verify() == []


def test_a_killed_writer_holds_no_lock(workshop: Workshop, tmp_path: Path, music: Path) -> None:
    """The next run starts at once."""
    first = start_slow(workshop, tmp_path / "library", music)
    first.kill()
    assert first.wait().code == -9
    assert workshop.run("--library", tmp_path / "library", "index", music).code == 0


def test_readers_see_whole_batches_and_never_wait(
    workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """While a run writes, each opening finds ids, tracks and vectors that fit together."""
    running = start_slow(workshop, tmp_path / "library", music)
    sizes = []
    longest = 0.0
    while len(sizes) < 2 or sizes[-1] < N_FILES - 4:
        began = time.monotonic()
        with Library.open(tmp_path / "library") as library:
            ids = library.store.ids().tolist()
            tracks = library.tracks(ids)
            vectors = library.vectors(ids)
            assert [track.id for track in tracks] == ids
            for track, vector in zip(tracks, vectors, strict=True):
                (encoding,) = ToyEncoder().encode_many([track.path])
                assert vector == pytest.approx(encoding.vector, abs=1e-6)
        longest = max(longest, time.monotonic() - began)
        sizes.append(len(ids))
    ended = running.wait()
    assert ended.code == 0, ended.err
    assert all(size % 4 == 0 for size in sizes)
    assert sizes == sorted(sizes)
    assert longest < 5.0


def test_a_query_works_while_the_model_is_changed(
    workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """Until the last track has the new model's vector, the old vectors are searched."""
    library = tmp_path / "library"
    assert workshop.run("--library", library, "index", music).code == 0
    line = ("--library", library, "--json", "query", "1", "-k", "5")
    before = workshop.run(*line)
    assert before.code == 0
    running = start_slow(workshop, library, music, "--model", "other")
    during = workshop.run(*line)
    assert (during.code, during.out) == (0, before.out)
    assert running.wait().code == 0
    assert workshop.run(*line).out != before.out


@pytest.mark.slow
def test_a_catalogue_that_another_program_has_locked_is_busy(
    workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """After some seconds the command ends with one line and exit code 3; readers still work."""
    library = tmp_path / "library"
    assert workshop.run("--library", library, "index", music).code == 0
    write_wav(music / "new.wav", 1000)
    foreign = sqlite3.connect(library / "catalogue.sqlite", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    ended = workshop.run("--library", library, "index", music)
    assert ended.code == 3
    assert "another process is writing" in ended.err
    assert ended.err.count("\n") == 1
    assert workshop.run("--library", library, "query", "1").code == 0
    foreign.execute("ROLLBACK")
    foreign.close()
    assert workshop.run("--library", library, "index", music).code == 0


@pytest.mark.slow
def test_a_run_waits_for_a_program_that_locks_the_catalogue(
    workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """A lock of half a minute in the middle of a run costs time, and a message says so."""
    library = tmp_path / "library"
    running = start_slow(workshop, library, music)
    time.sleep(0.2)
    foreign = sqlite3.connect(library / "catalogue.sqlite", isolation_level=None, timeout=10.0)
    foreign.execute("BEGIN IMMEDIATE")
    n_before = foreign.execute("SELECT count(*) FROM vectors").fetchone()[0]
    began = time.monotonic()
    time.sleep(LOCKED_SECONDS)
    n_locked = foreign.execute("SELECT count(*) FROM vectors").fetchone()[0]
    foreign.execute("ROLLBACK")
    foreign.close()
    ended = running.wait()
    assert ended.code == 0, ended.err
    assert time.monotonic() - began >= LOCKED_SECONDS
    assert n_before == n_locked < N_FILES
    assert ended.err.count("another program has locked it; waiting for up to 300 s") == 1
    with Library.open(library) as opened:
        assert len(opened) == N_FILES
        assert opened.verify() == []
