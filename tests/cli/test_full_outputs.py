"""Outputs on a disk that is full or read-only: one line, exit code 3, and no half file."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunCli
from tests.faults.processes import small_disk
from tests.index.playlists.playlist_library import line_of_styles, write_library

OUTPUTS = {
    "playlist": ("playlist", "5", "-o", "a.m3u8"),
    "map": ("map", "-o", "a.csv"),
    "library-export": ("library", "export", "-o", "a.csv"),
    "model-folder": ("models", "export", "default", "-o", "folder"),
    "model-zip": ("models", "export", "default", "-o", "a.zip"),
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of sixty tracks."""
    place = tmp_path_factory.mktemp("outputs") / "library"
    songs, vectors = line_of_styles(60)
    write_library(place, songs, vectors).close()
    return place


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    with small_disk(tmp_path / "disk", size="64k") as folder:
        yield folder


@pytest.mark.parametrize("fault", ["full", "read-only"])
@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_that_cannot_be_written(
    run_cli: RunCli, library: Path, disk: Path, name: str, fault: str
) -> None:
    """Every command that writes a file ends with exit code 3 and leaves nothing of it."""
    if fault == "full":
        (disk / "ballast").write_bytes(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize))
    else:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    before = sorted(disk.iterdir())
    *words, output = OUTPUTS[name]
    done = run_cli("--library", str(library), "--quiet", *words, str(disk / output))
    assert done.code == 3, done.err
    assert len(done.err.splitlines()) == 1
    assert sorted(disk.iterdir()) == before
