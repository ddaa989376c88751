"""Temporary files that a killed command left in a library's folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from index.library import Library
from index.library_folder.leftovers import MIN_AGE_SECONDS
from tests.index.library_folder.damaged_library import six_tracks

ROOT = Path(__file__).parents[3]

KILLED = """
import os
from pathlib import Path
from index.library import Library
import index.vectors.store_file
os.fsync = lambda _: os._exit(9)  # as if it were killed before the file is renamed
Library.open(Path({library!r})).rebuild()
"""


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Six tracks with ids 1 to 6, closed."""
    return six_tracks(tmp_path)


def test_what_a_killed_rebuild_left_is_deleted(library: Library) -> None:
    """The temporary file goes when the library is next opened to write."""
    code = KILLED.format(library=str(library.folder))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 9
    assert list(library.folder.glob("vectors.faiss.*.tmp"))
    (library.folder / "library.123.tmp").write_text("half")
    with library.writing():
        pass
    assert not list(library.folder.glob("*.tmp"))


def test_a_partial_file_is_deleted_once_it_is_old(library: Library) -> None:
    """Maps are written without the lock, so a new partial file may still be in use."""
    old, new = (library.folder / f".map-2d.npz.{name}.partial" for name in ("old", "new"))
    for path in (old, new):
        path.write_text("half")
    past = old.stat().st_mtime - MIN_AGE_SECONDS - 60
    os.utime(old, (past, past))
    with library.writing():
        pass
    assert not old.exists()
    assert new.exists()


def test_other_files_in_the_folder_stay(library: Library) -> None:
    """Only names that soundalike gives to temporary files are deleted."""
    names = ["notes.tmp", "vectors.faiss.bak", "library.old.tmp", ".hidden"]
    for name in names:
        (library.folder / name).write_text("mine")
    with library.writing():
        pass
    assert all((library.folder / name).exists() for name in names)
