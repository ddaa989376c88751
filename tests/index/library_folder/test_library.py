"""A library on disk: opened, searched, damaged, and made anew."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import (
    BadInput,
    CorruptArtefact,
    NotFound,
    UnsupportedFormat,
    UsageError,
)
from index.catalogue.ledger import Ledger
from index.library import Library
from index.vectors.kinds import StoreSettings
from tests.index.toy_encoder import ToyEncoder

ROOT = Path(__file__).parents[3]


def test_no_library_says_what_to_do(tmp_path: Path) -> None:
    """If there is no library, the message names the command that makes one."""
    with pytest.raises(NotFound, match="soundalike index"):
        Library.open(tmp_path)


def test_an_empty_library_says_what_to_do(tmp_path: Path) -> None:
    """If a library has no tracks, the message names the command that adds some."""
    (tmp_path / "music").mkdir()
    library = Library.open_or_create(tmp_path / "library")
    library.index([tmp_path / "music"], encoder=ToyEncoder())
    with pytest.raises(NotFound, match="soundalike demo"):
        library.tracks_named("song.mp3")
    assert (library.nearest(np.ones((1, 8)), 3)[1] == -1).all()


def test_a_folder_of_something_else_is_left_alone(music: Path) -> None:
    """A library is never made among other files."""
    with pytest.raises(UsageError, match=r"holds other files.*--library"):
        Library.open_or_create(music)


def test_near_misses_are_served(library: Library, music: Path) -> None:
    """A wrong id or path suggests the closest."""
    assert library.tracks_named(str(music / "3.wav")) == library.tracks_named("4")
    with pytest.raises(NotFound, match=r"Do you mean .*3\.wav"):
        library.tracks_named(str(music / "3.wave"))
    with pytest.raises(NotFound, match=r"elsewhere/3\.wav: no such file.*music/3\.wav"):
        library.tracks_named("/elsewhere/3.wav")
    with pytest.raises(NotFound, match="1 to 8"):
        library.track(99)


def test_a_track_is_found_through_links_and_dots(
    library: Library, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path with `..`, and one through a link to its folder, name the same track."""
    (tmp_path / "link").symlink_to(music)
    monkeypatch.chdir(music)
    tracks = library.tracks_named("4")
    assert library.tracks_named(str(tmp_path / "link" / "3.wav")) == tracks
    assert library.tracks_named("../music/3.wav") == tracks
    assert library.tracks_named(str(music / ".." / "music" / "3.wav")) == tracks


def test_a_wrong_shape_is_refused(library: Library) -> None:
    """The error names the shape of the query and the one that the library needs."""
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
    """The catalogue cannot be rebuilt, so the message says what to do."""
    path = library.folder / "catalogue.sqlite"
    data = path.read_bytes()
    path.write_bytes({"garbage": b"x" * 5000, "cut": data[:5000], "empty": b"x"}[damage])
    with pytest.raises(CorruptArtefact, match=r"catalogue.sqlite.*(backup|index the music again)"):
        library.info()


def test_a_missing_catalogue_is_refused(library: Library) -> None:
    """A folder without a catalogue is no library."""
    (library.folder / "catalogue.sqlite").unlink()
    with pytest.raises(CorruptArtefact, match="missing"):
        library.info()


def test_a_newer_format_is_refused(library: Library) -> None:
    """A library of a later version asks for an update."""
    path = library.folder / "library.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(UnsupportedFormat, match="Update soundalike"):
        Library.open(library.folder)


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
