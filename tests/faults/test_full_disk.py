"""A disk that is full or read-only: one line, exit code 3, and finished batches are safe."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from index.library import Library
from tests.faults.processes import Ended, Workshop, small_disk
from tests.index.toy_encoder import write_wav

N_FILES = 400


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More files than a library on the small disk can hold."""
    folder = tmp_path_factory.mktemp("music")
    for number in range(N_FILES):
        write_wav(folder / f"{number:03}.wav", number)
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of 600 KiB."""
    with small_disk(tmp_path / "disk", size="600k") as folder:
        yield folder


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A run of `index` that a full disk ended, and the same command with more room."""

    full: Ended
    n_tracks: int
    """In the library while the disk was full."""
    problems: list[str]
    """What `verify` found while the disk was full."""
    query: Ended
    """A query while the disk was full."""
    continued: Ended
    library: Path


@pytest.fixture(scope="module")
def interrupted(
    tmp_path_factory: pytest.TempPathFactory, workshop: Workshop, music: Path
) -> Iterator[Interrupted]:
    """Index on a disk that fills up, then on the same disk with more room."""
    with small_disk(tmp_path_factory.mktemp("full") / "disk", size="600k") as disk:
        library = disk / "library"
        full = workshop.run("--library", library, "index", music)
        with Library.open(library) as opened:
            n_tracks, problems = len(opened), opened.verify()
        query = workshop.run("--library", library, "query", "1")
        remount(disk, "size=20m")
        continued = workshop.run("--library", library, "index", music)
        yield Interrupted(full, n_tracks, problems, query, continued, library)


def test_a_disk_that_fills_up_while_indexing_is_one_line(interrupted: Interrupted) -> None:
    """The line says what to do, and the exit code is 3."""
    message = interrupted.full.err
    assert interrupted.full.code == 3
    assert (message.count("\n"), "make room and run the same command again" in message) == (1, True)


def test_finished_batches_are_safe_on_a_full_disk(interrupted: Interrupted) -> None:
    """The library has some of the tracks, and `verify` finds no problem."""
    assert 0 < interrupted.n_tracks < N_FILES
    assert interrupted.problems == []


def test_a_library_on_a_full_disk_can_be_searched(interrupted: Interrupted) -> None:
    """A query needs no room on the disk."""
    assert interrupted.query.code == 0, interrupted.query.err


def test_indexing_continues_when_the_disk_has_room(interrupted: Interrupted) -> None:
    """The same command adds the remaining tracks."""
    assert interrupted.continued.code == 0, interrupted.continued.err
    with Library.open(interrupted.library) as library:
        assert (len(library), library.verify()) == (N_FILES, [])


def test_a_disk_without_any_room(workshop: Workshop, disk: Path, music: Path) -> None:
    """No library can be created: one line and exit code 3."""
    with (disk / "ballast").open("wb") as ballast:
        ballast.write(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize))
    ended = workshop.run("--library", disk / "library", "index", music)
    assert ended.code == 3, ended.err
    assert ended.err.count("\n") == 1


def test_a_read_only_disk_can_be_searched_and_not_written(
    workshop: Workshop, disk: Path, tmp_path: Path
) -> None:
    """Every command that writes ends with one line and exit code 3; commands that read work."""
    for number in range(8):
        write_wav(tmp_path / "few" / f"{number}.wav", number)
    at = ("--library", disk / "library")
    assert workshop.run(*at, "index", tmp_path / "few").code == 0
    remount(disk, "ro")
    for words in (
        ("index", tmp_path / "few"),
        ("library", "rebuild"),
        ("library", "remove", "1"),
        ("library", "export", "-o", disk / "tracks.csv"),
    ):
        refused = workshop.run(*at, *words)
        assert (refused.code, refused.err.count("\n")) == (3, 1), refused
    for words in (("query", "1"), ("library", "info"), ("library", "verify")):
        assert workshop.run(*at, *words).code == 0


def test_a_rebuild_that_cannot_be_saved_says_so(
    workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """It ends with exit code 3, leaves no partial file, and searches give the old results."""
    at = ("--library", tmp_path / "library")
    assert workshop.run(*at, "index", music).code == 0
    before = workshop.run(*at, "query", "1")
    graph = ("library", "rebuild", "--store", "hnsw")
    refused = workshop.run(*at, *graph, file_limit=60_000)
    assert refused.code == 3
    assert any(name in refused.err for name in ("vectors.faiss", "catalogue.sqlite"))
    assert list((tmp_path / "library").glob("*.tmp")) == []
    assert workshop.run(*at, "query", "1").out == before.out
    assert workshop.run(*at, *graph).code == 0
