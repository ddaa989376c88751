"""A library on disk: opened, damaged, old, read-only, on a full disk, killed."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import (
    BadInput,
    CorruptArtefact,
    NotFound,
    StorageError,
    UnsupportedFormat,
    UsageError,
)
from index.catalogue.ledger import Ledger
from index.library import Library
from index.vectors.kinds import StoreSettings
from tests.index.toy_encoder import ToyEncoder, write_wav

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parents[2] / "golden" / "library_format_1"


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for number in range(8):
        write_wav(tmp_path / "music" / f"{number}.wav", number)
    return tmp_path / "music"


@pytest.fixture
def library(tmp_path: Path, music: Path) -> Library:
    library = Library.open_or_create(tmp_path / "library")
    library.index([music], encoder=ToyEncoder())
    library.close()
    return library


def test_no_library_says_what_to_do(tmp_path: Path) -> None:
    """If there is no library, the message names the command that makes one."""
    with pytest.raises(NotFound, match="soundalike index"):
        Library.open(tmp_path)


def test_an_empty_library_says_what_to_do(tmp_path: Path) -> None:
    """So does a library without tracks."""
    (tmp_path / "music").mkdir()
    library = Library.open_or_create(tmp_path / "library")
    library.index([tmp_path / "music"], encoder=ToyEncoder())
    with pytest.raises(NotFound, match="soundalike demo"):
        library.find("song.mp3")
    assert (library.nearest(np.ones((1, 8)), 3)[1] == -1).all()


def test_a_folder_of_something_else_is_left_alone(music: Path) -> None:
    """A library is never made among other files."""
    with pytest.raises(UsageError, match=r"holds other files.*--library"):
        Library.open_or_create(music)


def test_near_misses_are_served(library: Library, music: Path) -> None:
    """A wrong id or path suggests the closest."""
    assert library.find(str(music / "3.wav")) == library.find("4")
    with pytest.raises(NotFound, match=r"Do you mean .*3\.wav"):
        library.find(str(music / "3.wave"))
    with pytest.raises(NotFound, match=r"elsewhere/3\.wav: no such file.*music/3\.wav"):
        library.find("/elsewhere/3.wav")
    with pytest.raises(NotFound, match="1 to 8"):
        library.track(99)


def test_a_track_is_found_through_links_and_dots(
    library: Library, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path with `..`, and one through a link to its folder, name the same track."""
    (tmp_path / "link").symlink_to(music)
    monkeypatch.chdir(music)
    tracks = library.find("4")
    assert library.find(str(tmp_path / "link" / "3.wav")) == tracks
    assert library.find("../music/3.wav") == tracks
    assert library.find(str(music / ".." / "music" / "3.wav")) == tracks


def test_a_wrong_shape_is_refused(library: Library) -> None:
    """Both shapes are named."""
    with pytest.raises(BadInput, match=r"\(1, 5\), this library needs \[n, 8\]"):
        library.nearest(np.ones((1, 5)), 3)


@pytest.mark.parametrize("is_behind", [True, False])
def test_a_store_that_was_just_saved_comes_from_its_file(library: Library, is_behind: bool) -> None:
    """Caught up or built anew, it is mapped, so that no second copy stays in memory."""
    if is_behind:
        with library.writing() as catalogue:
            Ledger(catalogue).mark_gone([1])
    else:
        (library.folder / "vectors.faiss").unlink()
    with Library.open(library.folder) as opened:
        assert len(opened) == 8 - is_behind
        assert opened.store.info().is_memory_mapped


@pytest.mark.parametrize("damage", ["garbage", "cut", "flip", "empty"])
def test_damaged_vectors_are_rebuilt_and_it_is_said(library: Library, damage: str) -> None:
    """The cache is made anew from the catalogue, with one sentence to the user."""
    path = library.folder / "vectors.faiss"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(
        {"garbage": b"x" * 5000, "cut": bytes(data[:900]), "flip": bytes(data), "empty": b""}[
            damage
        ]
    )
    said: list[str] = []
    with Library.open(library.folder, warn=said.append) as opened:
        assert len(opened) == 8
    assert len(said) == 1
    assert "built anew from the catalogue" in said[0]
    with Library.open(library.folder, warn=said.append) as opened:
        assert len(opened) == 8
    assert len(said) == 1


@pytest.mark.parametrize("damage", ["garbage", "cut", "empty"])
def test_a_damaged_catalogue_is_refused(library: Library, damage: str) -> None:
    """The truth cannot be guessed: the message says what to do."""
    path = library.folder / "catalogue.sqlite"
    data = path.read_bytes()
    path.write_bytes({"garbage": b"x" * 5000, "cut": data[:5000], "empty": b"x"}[damage])
    with pytest.raises(CorruptArtefact, match=r"catalogue.sqlite.*(backup|index the music again)"):
        library.info()


def test_a_missing_catalogue_is_refused(library: Library) -> None:
    """Without it there is no library, whatever else is there."""
    (library.folder / "catalogue.sqlite").unlink()
    with pytest.raises(CorruptArtefact, match="missing"):
        library.info()


def test_a_newer_format_is_refused(library: Library) -> None:
    """A library of a later version asks for an update."""
    path = library.folder / "library.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(UnsupportedFormat, match="Update soundalike"):
        Library.open(library.folder)


def test_a_library_of_format_1_is_brought_up_to_date(tmp_path: Path, music: Path) -> None:
    """Ids, tags, vectors and failures of the first format survive."""
    folder = tmp_path / "old"
    shutil.copytree(GOLDEN, folder)
    with Library.open(folder) as old:
        assert [track.id for track in old.all_tracks()] == [10, 20, 30, 40]
        assert old.track(20).title == "Song 2"
        assert old.track(50).is_gone
        assert old.model.fingerprint == "first-model"
        expected = np.random.default_rng(1).standard_normal((5, 4)).astype("<f4")
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(old.vectors([10, 40]), expected[[0, 3]], atol=1e-6)
        assert old.catalogue.field_values("genre")[10] == ("jazz",)
        assert [f.reason for f in old.failures()] == ["broken data"]
        assert old.excerpts(10) is None
        report = old.index([music], encoder=ToyEncoder("first-model", size=4), migrate=True)
        assert report.added == 8
    assert json.loads((folder / "library.json").read_text())["format"] == 4


def test_opening_to_index_brings_an_old_library_up_to_date(tmp_path: Path) -> None:
    """Indexing reads the library's model first, which must not fail for an older format."""
    folder = tmp_path / "old"
    shutil.copytree(GOLDEN, folder)
    with Library.open_or_create(folder) as old:
        assert old.model.fingerprint == "first-model"


def test_excerpts_are_kept(library: Library) -> None:
    """The excerpts' places and vectors come back, in half precision."""
    excerpts = library.excerpts(1)
    assert excerpts is not None
    assert excerpts.starts_seconds.tolist() == [0.0, 0.5, 1.0]
    mean = excerpts.vectors.mean(axis=0)
    np.testing.assert_allclose(mean / np.linalg.norm(mean), library.vectors([1])[0], atol=2e-3)


def test_removed_tracks_are_forgotten(library: Library, music: Path) -> None:
    """They leave catalogue and store; indexing their folder brings them back as new."""
    assert [track.id for track in library.remove([2, 3])] == [2, 3]
    assert len(library) == 6
    assert library.index([music], encoder=ToyEncoder()).added == 2


def test_the_kind_of_store_can_be_chosen(library: Library) -> None:
    """An override is kept, and shown by info."""
    library.set_store(StoreSettings("hnsw"))
    assert library.info().store["kind"] == "hnsw"
    library.rebuild()
    assert Library.open(library.folder).info().store["kind"] == "hnsw"


def test_a_new_store_is_read_from_its_file(library: Library) -> None:
    """The first search after the cache is lost maps the file that it has just written."""
    (library.folder / "vectors.faiss").unlink()
    with Library.open(library.folder) as opened:
        assert opened.store.info().is_memory_mapped
        assert len(opened) == 8


def test_verify_tells_what_is_wrong(library: Library) -> None:
    """A sound library has no complaint; a vector that is not the catalogue's is one."""
    assert len(library) == 8
    assert library.verify() == []
    with library.writing() as catalogue:
        catalogue.database.run(
            "UPDATE vectors SET vector = zeroblob(32), checksum = row_checksum(1, zeroblob(32)) "
            "WHERE track_id = 1"
        )
    assert "rebuild" in library.verify()[0]


def test_searching_needs_no_torch(library: Library) -> None:
    """Opening a library and searching imports neither torch, pandas, scipy nor mutagen."""
    code = (
        "import sys; from pathlib import Path; from index.library import Library\n"
        f"library = Library.open(Path({str(library.folder)!r}))\n"
        "library.nearest(library.vectors([1]), 3); library.tracks([1])\n"
        "print(sorted({'torch', 'pandas', 'scipy', 'mutagen', 'av'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user who may not write")
def test_a_read_only_folder_can_be_searched() -> None:
    """Someone else's library can be read; writing to it says why not."""
    folder = Path(tempfile.mkdtemp())
    try:
        music = write_wav(folder / "music" / "a.wav", 1).parent
        library = Library.open_or_create(folder / "library")
        library.index([music], encoder=ToyEncoder())
        library.close()
        for path in (folder, folder / "library"):
            path.chmod(0o755)
        child = os.fork()
        if child == 0:  # a fork, since the interpreter itself may be out of another user's reach
            os.setuid(65534)
            code = 1
            try:
                assert len(Library.open(library.folder)) == 1
                try:
                    Library.open(library.folder).index([music], encoder=ToyEncoder())
                except StorageError as error:
                    code = 0 if "permissions" in str(error) else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        shutil.rmtree(folder)


CHILD = """
import sys, time
from pathlib import Path
from index.library import Library
from tests.index.toy_encoder import ToyEncoder
import index.indexing.analyse
index.indexing.analyse.BATCH_TRACKS = {batch}

class Slow(ToyEncoder):
    def encode_many(self, paths, **options):
        for result in super().encode_many(paths, **options):
            time.sleep({seconds})
            yield result

print("ready", flush=True)
Library.open_or_create(Path({library!r})).index(
    [Path({music!r})], encoder=Slow(log=Path({log!r}))
)
"""


def start_child(library: Path, music: Path, log: Path, *, seconds: float = 0.004) -> object:
    code = CHILD.format(
        library=str(library), music=str(music), log=str(log), batch=4, seconds=seconds
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)


def check_kills(tmp_path: Path, *, n_kills: int, seed: int) -> None:
    """After many kills and one whole run nothing is lost and few tracks are analysed twice."""
    rng = np.random.default_rng(seed)
    music, log, folder = tmp_path / "music", tmp_path / "log", tmp_path / "library"
    n_files = 60
    for number in range(n_files):
        write_wav(music / f"{number}.wav", number)
    for _ in range(n_kills):
        child = start_child(folder, music, log)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(float(rng.uniform(0, 0.4)))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    library = Library.open_or_create(folder)
    library.index([music], encoder=ToyEncoder(log=log))
    assert library.verify() == []
    assert len(library) == n_files
    assert library.store.ids().tolist() == sorted(t.id for t in library.all_tracks())
    heard = Counter(log.read_text().split("\n")[:-1])
    assert set(heard) == {str(path) for path in music.iterdir()}
    assert sum(heard.values()) - n_files <= n_kills * 5  # a batch of four, and one under way


def test_killing_it_loses_nothing(tmp_path: Path) -> None:
    """After kill -9 the next run goes on; at most one batch a kill is analysed twice."""
    check_kills(tmp_path, n_kills=4, seed=1)


@pytest.mark.slow
def test_killing_it_fifty_times_loses_nothing(tmp_path: Path) -> None:
    """Fifty kills at random points."""
    check_kills(tmp_path, n_kills=50, seed=2)


def test_a_full_disk_loses_nothing(tmp_path: Path, music: Path) -> None:
    """If no file can grow, committed tracks stay, and a later run adds the rest."""
    folder = tmp_path / "library"
    library = Library.open_or_create(folder)
    library.index([music], encoder=ToyEncoder())
    library.close()
    for number in range(200):
        write_wav(music / f"more {number}.wav", 1000 + number)
    limit = max(path.stat().st_size for path in folder.iterdir()) + 30_000
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            Library.open(folder).index([music], encoder=ToyEncoder(size=8))
        except StorageError as error:
            code = 0 if "make room" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with Library.open(folder) as opened:
        assert 8 <= len(opened) < 208
        report = opened.index([music], encoder=ToyEncoder())
        assert report.failed == ()
        assert len(opened) == 208
        assert opened.verify() == []
