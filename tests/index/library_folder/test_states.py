"""The store of vectors belongs to one state of one catalogue; any other store is rebuilt."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import StorageError
from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import Ledger
from index.library import Library
from tests.index.toy_encoder import ToyEncoder, write_wav

ROOT = Path(__file__).parents[3]


def write_music(folder: Path, numbers: range) -> Path:
    for number in numbers:
        write_wav(folder / f"{number}.wav", number)
    return folder


def index_music(library: Path, *folders: Path) -> None:
    with Library.open_or_create(library) as opened:
        opened.index(list(folders), encoder=ToyEncoder())


def open_and_compare(folder: Path) -> list[str]:
    """The warnings at opening; the store must hold the catalogue's vectors and no others."""
    warnings: list[str] = []
    with Library.open(folder, warn=warnings.append) as library:
        ids = library.catalogue.vectors.ids(library.model.id)
        expected = library.catalogue.vectors.matrix(library.model.id, ids, size=8)
        assert library.store.ids().tolist() == ids.tolist()
        np.testing.assert_allclose(library.vectors(ids), expected, atol=1e-6)
    return warnings


def test_a_catalogue_from_a_backup_has_no_wrong_neighbours(tmp_path: Path) -> None:
    """Ids and revisions are given out again after a restore; the old store is noticed."""
    folder = tmp_path / "library"
    index_music(folder, write_music(tmp_path / "first", range(45)))
    shutil.copy(folder / "catalogue.sqlite", tmp_path / "backup")
    index_music(folder, write_music(tmp_path / "more", range(45, 55)))
    newer_store = (folder / "vectors.faiss").read_bytes()
    shutil.copy(tmp_path / "backup", folder / "catalogue.sqlite")
    write_music(tmp_path / "others", range(100, 110))
    index_music(folder, tmp_path / "others")
    (folder / "vectors.faiss").write_bytes(newer_store)
    warnings = open_and_compare(folder)
    assert len(warnings) == 1
    assert "another state" in warnings[0]
    assert open_and_compare(folder) == []


def test_indexing_after_a_restore_notices_the_old_store(tmp_path: Path) -> None:
    """The run that follows the restore does not add to the store of the lost catalogue."""
    folder = tmp_path / "library"
    index_music(folder, write_music(tmp_path / "first", range(45)))
    shutil.copy(folder / "catalogue.sqlite", tmp_path / "backup")
    index_music(folder, write_music(tmp_path / "more", range(45, 55)))
    shutil.copy(tmp_path / "backup", folder / "catalogue.sqlite")
    index_music(folder, write_music(tmp_path / "others", range(100, 110)))
    assert open_and_compare(folder) == []
    with Library.open(folder) as library:
        assert library.verify() == []


def test_a_store_from_the_future_is_rebuilt(tmp_path: Path) -> None:
    """A restored catalogue, or commits that a crash has undone, leave the store ahead."""
    folder = tmp_path / "library"
    index_music(folder, write_music(tmp_path / "first", range(5)))
    shutil.copy(folder / "catalogue.sqlite", tmp_path / "backup")
    index_music(folder, write_music(tmp_path / "more", range(5, 9)))
    shutil.copy(tmp_path / "backup", folder / "catalogue.sqlite")
    with Library.open(folder) as library:
        assert any("another state" in problem for problem in library.verify())
    warnings = open_and_compare(folder)
    assert len(warnings) == 1
    assert "built anew from the catalogue" in warnings[0]


def test_swapped_stores_of_two_libraries_are_rebuilt(tmp_path: Path) -> None:
    """Libraries of one model, one size and one revision do not take each other's vectors."""
    folders = tmp_path / "one", tmp_path / "other"
    for start, folder in zip((0, 50), folders, strict=True):
        index_music(folder, write_music(tmp_path / f"music {start}", range(start, start + 6)))
    (folders[0] / "vectors.faiss").rename(tmp_path / "kept")
    (folders[1] / "vectors.faiss").rename(folders[0] / "vectors.faiss")
    (tmp_path / "kept").rename(folders[1] / "vectors.faiss")
    for folder in folders:
        warnings = open_and_compare(folder)
        assert len(warnings) == 1
        assert "another catalogue" in warnings[0]


def test_a_copied_library_goes_its_own_way(tmp_path: Path) -> None:
    """A copy takes the store along; after both have changed, their stores are no longer one."""
    first, second = tmp_path / "first", tmp_path / "second"
    index_music(first, write_music(tmp_path / "music", range(5)))
    shutil.copytree(first, second)
    assert open_and_compare(second) == []
    index_music(first, write_music(tmp_path / "a", range(10, 13)))
    index_music(second, write_music(tmp_path / "b", range(20, 23)))
    shutil.copy(first / "vectors.faiss", second / "vectors.faiss")
    assert len(open_and_compare(second)) == 1


def test_a_store_that_is_behind_is_caught_up_silently(tmp_path: Path) -> None:
    """A run that was killed before it wrote the store is no damage."""
    folder = tmp_path / "library"
    index_music(folder, write_music(tmp_path / "music", range(5)))
    older = (folder / "vectors.faiss").read_bytes()
    index_music(folder, write_music(tmp_path / "more", range(5, 9)))
    (folder / "vectors.faiss").write_bytes(older)
    assert open_and_compare(folder) == []


CHANGES: dict[str, Callable[[Catalogue, Ledger], object]] = {
    "gone": lambda _, ledger: ledger.mark_gone([1]),
    "back": lambda _, ledger: ledger.mark_gone([1], is_gone=False),
    "remove": lambda _, ledger: ledger.remove([2]),
    "copy": lambda catalogue, _: catalogue.vectors.copy(1, 3),
    "replace": lambda catalogue, _: catalogue.vectors.put(1, []),
    "another model": lambda _, ledger: ledger.switch_to(1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_of_the_vectors_is_a_revision(name: str, tmp_path: Path) -> None:
    """After it, the state before is part of the history and no longer the current one."""
    index_music(tmp_path / "library", write_music(tmp_path / "music", range(4)))
    with Library.open(tmp_path / "library") as library, library.writing() as catalogue:
        before = catalogue.revisions.current()
        CHANGES[name](catalogue, Ledger(catalogue))
        after = catalogue.revisions.current()
        assert after.revision > before.revision
        assert after.token != before.token
        assert catalogue.revisions.includes(before)


def test_a_change_that_is_rolled_back_leaves_no_revision(tmp_path: Path) -> None:
    """The next change takes the same number and another token."""
    index_music(tmp_path / "library", write_music(tmp_path / "music", range(4)))
    with Library.open(tmp_path / "library") as library, library.writing() as catalogue:
        with pytest.raises(ZeroDivisionError), catalogue.database.transaction():
            Ledger(catalogue).mark_gone([1])
            undone = catalogue.revisions.current()
            raise ZeroDivisionError
        Ledger(catalogue).mark_gone([1])
        again = catalogue.revisions.current()
    assert again.revision == undone.revision
    assert again.token != undone.token


KILLED = """
import os
from pathlib import Path
from index.library import Library
from tests.index.toy_encoder import ToyEncoder
library = Library.open_or_create(Path({library!r}))
library.index([Path({music!r})], encoder=ToyEncoder())
with library.writing() as catalogue:
    os._exit(9)  # the log of the last commits is not folded into the catalogue
"""


@pytest.mark.parametrize("where", [0.1, 0.5, 0.95])
def test_a_damaged_log_of_commits_gives_no_wrong_vectors(tmp_path: Path, where: float) -> None:
    """SQLite drops the commits from the damaged page on; the store is then ahead and is rebuilt."""
    folder, music = tmp_path / "library", tmp_path / "music"
    index_music(folder, write_music(music, range(5)))
    reader = Library.open(folder)
    assert len(reader.catalogue.paths()) == 5  # an open reader keeps the log in place
    write_music(music, range(5, 40))
    code = KILLED.format(library=str(folder), music=str(music))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 9
    log = folder / "catalogue.sqlite-wal"
    data = bytearray(log.read_bytes())
    assert len(data) > 4096
    data[int(where * len(data))] ^= 0x55
    reader.close()
    log.write_bytes(data)
    (folder / "catalogue.sqlite-shm").unlink(missing_ok=True)
    open_and_compare(folder)
    index_music(folder, music)
    with Library.open(folder) as library:
        assert library.verify() == []
        assert len(library) == 40


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user who may not write")
def test_commits_in_the_log_of_a_read_only_library_are_not_hidden() -> None:
    """Without the log the catalogue would be of an older state, or torn: it is refused."""
    place = Path(tempfile.mkdtemp())
    try:
        folder = place / "library"
        index_music(folder, write_music(place / "music", range(3)))
        with Library.open(folder) as library, library.writing() as catalogue:
            Ledger(catalogue).mark_gone([1])
            shutil.copytree(folder, place / "copy")
        (place / "copy" / "catalogue.sqlite-shm").unlink()
        place.chmod(0o755)
        (place / "copy").chmod(0o755)
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            code = 1
            try:
                len(Library.open(place / "copy"))
            except StorageError as error:
                code = 0 if "left commits" in str(error) else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        shutil.rmtree(place)


KILLED_SWITCH = """
import os
from pathlib import Path
from index.library import Library
from tests.index.toy_encoder import ToyEncoder
library = Library.open_or_create(Path({library!r}))
library.write_manifest = lambda _: os._exit(9)
library.index([Path({music!r})], encoder=ToyEncoder("another", size=6), migrate=True)
"""


def test_killed_before_the_manifest_is_written_the_library_is_sound(tmp_path: Path) -> None:
    """The manifest still names the model before, which is no damage, and the next run writes it."""
    folder, music = tmp_path / "library", write_music(tmp_path / "music", range(4))
    index_music(folder, music)
    code = KILLED_SWITCH.format(library=str(folder), music=str(music))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 9
    assert json.loads((folder / "library.json").read_text())["embedding_size"] == 8
    with Library.open(folder) as library:
        assert library.model.fingerprint == "another-fingerprint"
        assert library.verify() == []
        assert library.vectors([1]).shape == (1, 6)
        library.index([music], encoder=ToyEncoder("another", size=6))
    assert json.loads((folder / "library.json").read_text())["fingerprint"] == "another-fingerprint"


@pytest.mark.parametrize("values", [{"fingerprint": "unknown"}, {"embedding_size": 9}])
def test_a_manifest_of_another_model_is_a_problem(
    tmp_path: Path, values: dict[str, object]
) -> None:
    """Only the model before the current one may still be named there."""
    folder, music = tmp_path / "library", write_music(tmp_path / "music", range(2))
    index_music(folder, music)
    with Library.open(folder) as library:
        library.index([music], encoder=ToyEncoder("another", size=6), migrate=True)
        path = folder / "library.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))
        assert [problem.split()[0] for problem in library.verify()] == ["library.json"]
