"""A disk that is full or read-only: one line, code 3, and what was committed is safe."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.library import Library
from tests.faults.processes import Workshop, small_disk
from tests.index.toy_encoder import write_wav

N_FILES = 400


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More files than the disk of a library takes tracks."""
    folder = tmp_path_factory.mktemp("music")
    for number in range(N_FILES):
        write_wav(folder / f"{number:03}.wav", number)
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 600 KiB."""
    with small_disk(tmp_path / "disk", size="600k") as folder:
        yield folder


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def test_a_disk_that_fills_up_while_indexing(workshop: Workshop, disk: Path, music: Path) -> None:
    """Finished batches can be searched, and with more room the same command goes on."""
    library = disk / "library"
    full = workshop.run("--library", library, "index", music)
    assert full.code == 3
    assert "make room and run the same command again" in full.err
    assert full.err.count("\n") == 1
    with Library.open(library) as opened:
        assert opened.verify() == []
        n_safe = len(opened)
    assert n_safe > 0
    assert workshop.run("--library", library, "query", "1").code == 0
    remount(disk, "size=20m")
    assert workshop.run("--library", library, "index", music).code == 0
    with Library.open(library) as opened:
        assert len(opened) == N_FILES
        assert opened.verify() == []


def test_a_disk_without_any_room(workshop: Workshop, disk: Path, music: Path) -> None:
    """No library can be made: one line and code 3."""
    with (disk / "ballast").open("wb") as ballast:
        ballast.write(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize))
    ended = workshop.run("--library", disk / "library", "index", music)
    assert ended.code == 3, ended.err
    assert ended.err.count("\n") == 1


def test_a_read_only_disk_can_be_searched_and_not_written(
    workshop: Workshop, disk: Path, tmp_path: Path
) -> None:
    """Every command that writes says so in one line with code 3; those that read work."""
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
    """It ends with code 3, leaves no half of a file, and searches answer as before."""
    at = ("--library", tmp_path / "library")
    assert workshop.run(*at, "index", music).code == 0
    before = workshop.run(*at, "query", "1")
    graph = ("library", "rebuild", "--store", "hnsw")
    refused = workshop.run(*at, *graph, file_limit=60_000)  # the catalogue's log needs less
    assert refused.code == 3
    assert "vectors.faiss" in refused.err
    assert list((tmp_path / "library").glob("*.tmp")) == []
    assert workshop.run(*at, "query", "1").out == before.out
    assert workshop.run(*at, *graph).code == 0
