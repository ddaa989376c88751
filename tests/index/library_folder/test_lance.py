"""A library whose vectors are in a table of LanceDB: the same answers, whatever happens to it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import MissingExtra, StorageError, UsageError
from index.catalogue.ledger import Ledger
from index.library import Library
from index.library_folder.upkeep import sync_store
from index.vectors.kinds import settings_from_text
from index.vectors.lance_pointer import read_pointer
from tests.index.vector_library import library_of, unit_vectors

N_TRACKS = 600


@pytest.fixture(params=["lance", "lance-sq8"])
def library(tmp_path: Path, request: pytest.FixtureRequest) -> Library:
    library = library_of(tmp_path / "library", unit_vectors(N_TRACKS))
    library.rebuild_as(f"{request.param}:{tmp_path / 'tables'}")
    return library


def _remove(library: Library, *ids: int) -> None:
    with library.writing() as catalogue:
        with catalogue.database.transaction():
            Ledger(catalogue).mark_gone(list(ids))
        sync_store(library, catalogue)


def _pointer(library: Library) -> Path:
    return library.folder / "vectors.lance.json"


def test_the_store_is_the_librarys_own(library: Library, tmp_path: Path) -> None:
    """Every later command searches in the table, and FAISS's file is gone."""
    query = unit_vectors(N_TRACKS)[:3]
    with Library.open(library.folder) as opened:
        assert str(opened.store.info().kind).startswith("lance")
        assert opened.nearest(query, 1)[1].ravel().tolist() == [1, 2, 3]
        assert not (library.folder / "vectors.faiss").exists()
        assert opened.report().why.endswith(f"{tmp_path / 'tables'}'")
        assert opened.verify() == []


def test_a_reader_keeps_its_version_while_a_writer_appends(library: Library) -> None:
    """An open library gives the results of the moment when it was opened."""
    query = unit_vectors(N_TRACKS)[:1]
    with Library.open(library.folder) as reader:
        version = read_pointer(_pointer(library)).version
        before = reader.nearest(query, 5)
        for track_id in before[1][0][:3]:
            _remove(library, int(track_id))
        assert read_pointer(_pointer(library)).version > version
        np.testing.assert_array_equal(reader.nearest(query, 5)[1], before[1])
        np.testing.assert_array_equal(reader.vectors([1]), query)
    with Library.open(library.folder) as reader:
        assert not np.isin(reader.nearest(query, 5)[1], before[1][0][:3]).any()


def test_only_what_changed_is_written(library: Library, tmp_path: Path) -> None:
    """Removing a track writes no vectors."""
    data = sorted((tmp_path / "tables").glob("*.lance/data/*"))
    _remove(library, 5)
    assert sorted((tmp_path / "tables").glob("*.lance/data/*")) == data


def test_a_version_that_was_written_and_not_named_is_left_out(library: Library) -> None:
    """A run that is killed before the pointer is written leaves a version that no reader sees."""
    named = _pointer(library).read_bytes()
    _remove(library, 5)
    catalogue_state = _pointer(library).read_bytes()
    _pointer(library).write_bytes(named)  # as if the run had been killed before it
    said: list[str] = []
    with Library.open(library.folder, warn=said.append) as opened:
        assert len(opened) == N_TRACKS - 1
        assert 5 not in opened.nearest(unit_vectors(N_TRACKS)[4:5], 3)[1]
    assert said == []
    assert _pointer(library).read_bytes() not in (named, catalogue_state)


def test_copies_of_a_library_share_a_table(library: Library, tmp_path: Path) -> None:
    """Each sees its own state, in whichever order they wrote."""
    shutil.copytree(library.folder, tmp_path / "copy")
    with Library.open(tmp_path / "copy") as copy:
        _remove(copy, 1)
        _remove(library, 2)
        _remove(copy, 3)
    for folder, gone in ((library.folder, [2]), (tmp_path / "copy", [1, 3])):
        with Library.open(folder) as opened:
            expected = sorted(set(range(1, N_TRACKS + 1)) - set(gone))
            assert opened.store.ids().tolist() == expected
            assert opened.verify() == []


def test_going_back_to_faiss_needs_no_table(library: Library, tmp_path: Path) -> None:
    """`--store auto` builds the file from the catalogue and forgets the table."""
    shutil.rmtree(tmp_path / "tables")
    library.rebuild_as("auto")
    with Library.open(library.folder) as opened:
        assert opened.store.info().kind == "exact"
    assert not _pointer(library).exists()
    assert "address" not in (library.folder / "library.json").read_text()


@pytest.mark.parametrize("what", ["tables", "pointer", "half a pointer", "another pointer"])
def test_what_is_missing_is_built_anew(library: Library, tmp_path: Path, what: str) -> None:
    """From the catalogue, with a sentence if there was something to trust."""
    if what == "tables":
        shutil.rmtree(tmp_path / "tables")
    elif what == "pointer":
        _pointer(library).unlink()
    elif what == "half a pointer":
        _pointer(library).write_bytes(_pointer(library).read_bytes()[:200])
    else:
        values = json.loads(_pointer(library).read_text())
        _pointer(library).write_text(json.dumps(values | {"n_rows": 1}))
    said: list[str] = []
    with Library.open(library.folder, warn=said.append) as opened:
        assert opened.nearest(unit_vectors(N_TRACKS)[:3], 1)[1].ravel().tolist() == [1, 2, 3]
    assert len(said) == (what != "pointer")
    assert all("built anew" in text for text in said)
    with Library.open(library.folder, warn=said.append) as opened:
        assert len(opened) == N_TRACKS
    assert len(said) == (what != "pointer")


def test_the_address_is_checked_before_anything_is_written(tmp_path: Path) -> None:
    """A wrong address is an error of usage."""
    library = library_of(tmp_path / "library", unit_vectors(3))
    for text, reason in (
        ("lance", "needs an address"),
        ("lance:", "needs an address"),
        ("lance:s3://bucket", "a bucket and a folder"),
        ("lance:ftp://host/x", "use a folder"),
        (f"lance:{__file__}", "is a file"),
        ("hnsw:x", "unknown kind"),
        ("milvus:localhost", "unknown kind"),
    ):
        with pytest.raises(UsageError, match=reason):
            library.rebuild_as(text)
    assert library.store_settings.kind == "auto"


def test_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without LanceDB the message says what to install, and the library stays as it was."""
    library = library_of(tmp_path / "library", unit_vectors(3))
    monkeypatch.setitem(__import__("sys").modules, "lancedb", None)
    with pytest.raises(MissingExtra, match=r"\.\[cluster\]"):
        library.rebuild_as(f"lance:{tmp_path}")
    assert library.store_settings.kind == "auto"


def test_a_table_is_never_another_processes_mixture(library: Library, tmp_path: Path) -> None:
    """If another process wrote between our changes, the version is not named."""
    from index.vectors import lance_saving

    writer = lance_saving.LanceWriter

    class Disturbed(writer):
        def append(self, *rows: np.ndarray) -> None:
            super().append(*rows)
            super().remove(np.array([7]))

    with library.writing() as catalogue, pytest.MonkeyPatch.context() as patch:
        with catalogue.database.transaction():
            Ledger(catalogue).mark_gone([9])
        patch.setattr(lance_saving, "LanceWriter", Disturbed)
        store = sync_store(library, catalogue)
    assert store is not None
    assert len(store.ids()) == N_TRACKS - 1
    with Library.open(library.folder) as opened:
        expected = [track for track in range(1, N_TRACKS + 1) if track != 9]
        assert opened.store.ids().tolist() == expected
        assert opened.verify() == []


def test_settings_need_an_address_for_lance_alone() -> None:
    """Damaged settings are no settings."""
    for text in ('{"kind": "lance"}', '{"kind": "exact", "address": "/x"}'):
        with pytest.raises(ValueError, match="no settings"):
            settings_from_text(text)


def test_a_table_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    """`rebuild` ends with the reason, and the library keeps its store."""
    library = library_of(tmp_path / "library", unit_vectors(30))
    (tmp_path / "file").write_text("")
    with Library.open(library.folder) as opened:
        before = opened.store.ids().tolist()
    with pytest.raises(StorageError, match="could not be written"):
        library.rebuild_as(f"lance:{tmp_path / 'file' / 'below'}")
    with Library.open(library.folder) as opened:
        assert opened.store_settings.kind == "auto"
        assert opened.store.ids().tolist() == before
    assert (library.folder / "vectors.faiss").exists()


def test_vectors_that_cannot_be_saved_are_not_kept_in_silence(
    library: Library, tmp_path: Path
) -> None:
    """A table that is lost, in a place that cannot be written: a warning, and right answers."""
    shutil.rmtree(tmp_path / "tables")
    (tmp_path / "tables").write_text("a file now")
    said: list[str] = []
    with Library.open(library.folder, warn=said.append) as opened:
        assert opened.nearest(unit_vectors(N_TRACKS)[:3], 1)[1].ravel().tolist() == [1, 2, 3]
    assert "searches in memory" in said[-1]
