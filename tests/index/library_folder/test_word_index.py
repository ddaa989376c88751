"""The index of words stays in step with the tracks, and verify finds if it does not."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from embedder.errors import CorruptArtefact
from index.catalogue.catalogue import Catalogue
from index.catalogue.checksums import TRACK_CHECKSUM
from index.catalogue.event_rows import Event
from index.catalogue.ledger import Ledger
from index.catalogue.words import DAMAGED, NO_FTS5, NOT_CURRENT, WordRows
from index.catalogue.words_seal import SETTING, WordsSeal
from index.library import Library
from tests.index.toy_encoder import ToyEncoder, write_wav
from tests.index.vector_library import library_of, unit_vectors

SEAL_ROWS = f"UPDATE tracks SET checksum = {TRACK_CHECKSUM}"
GOLDEN = Path(__file__).parents[2] / "golden"
TAGS = (
    {"title": "Boom Boom", "artist": "John Lee Hooker"},
    {"title": "Boom", "artist": "John Lee Hooker"},
)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Two tracks with ids 1 and 2."""
    return library_of(tmp_path / "library", unit_vectors(len(TAGS)), TAGS)


def test_the_index_stays_in_step(tmp_path: Path) -> None:
    """After indexing, retagging, moving, losing, pruning, removing and rebuilding, it is right."""
    music = tmp_path / "music"
    for number in range(4):
        write_wav(music / f"song {number}.wav", number)
    library = Library.open_or_create(tmp_path / "library")
    library.index([music], encoder=ToyEncoder())
    assert library.find("song").total == 4
    (music / "song 0.wav").rename(music / "moved zero.wav")
    (music / "song 1.wav").unlink()
    library.index([music], encoder=ToyEncoder())
    assert (library.find("moved zero").total, library.find("0.wav").total) == (1, 0)
    assert library.find("1.wav").total == 0, "gone"
    library.remove([library.find("2.wav")[0].id])
    assert library.find("song").total == 1
    with library.writing() as catalogue, catalogue.database.transaction():
        ledger = Ledger(catalogue)
        ledger.remove(ledger.gone())
        catalogue.database.run("UPDATE tracks SET title = 'Changed' WHERE id = 1")
        catalogue.database.run(SEAL_ROWS)
    assert library.find("changed zero").total == 1
    assert library.verify() == []
    library.rebuild()
    assert library.verify() == []
    assert library.find("changed").total == 1
    library.close()


def test_verify_finds_an_index_that_is_not_in_step(library: Library) -> None:
    """A row that was changed behind the triggers is noticed, and a rebuild mends it."""
    library.close()
    path = library.folder / "catalogue.sqlite"
    with sqlite3.connect(path) as connection:
        (sql,) = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE name = 'track_words_update'"
        ).fetchone()
        connection.execute("DROP TRIGGER track_words_update")
        connection.execute("UPDATE tracks SET title = 'Bang' WHERE id = 1")
        connection.execute(sql)
    connection.close()
    assert [
        text for text in library.verify() if "index of words is damaged, or not in step" in text
    ]
    library.rebuild()
    with library.writing() as catalogue:
        catalogue.database.run(SEAL_ROWS)
    assert library.verify() == []
    assert [track.id for track in library.find("bang")] == [1]


def test_damage_in_the_index_hides_no_track(library: Library) -> None:
    """A word that FTS5 no longer finds is looked for in every row, until a rebuild."""
    library.close()
    _replace_in_index(library, b"boom", b"bxom")
    damaged = library.find("boom")
    assert ([track.id for track in damaged], damaged.notes) == ([1, 2], (DAMAGED,))
    assert [text for text in library.verify() if "index of words is damaged" in text]
    with library.writing():
        pass  # opening to write does not take it for sound
    assert library.find("boom").notes == (DAMAGED,)
    library.rebuild()
    mended = library.find("boom")
    assert (sorted(track.id for track in mended), mended.notes) == ([1, 2], ())


def test_an_open_library_notices_that_its_index_was_mended(library: Library) -> None:
    """The checksum is computed again after another process has written."""
    assert library.find("boom").notes == ()
    other = Library.open(library.folder)
    other.remove([1])
    other.close()
    assert ([track.id for track in library.find("boom")], library.find("boom").notes) == ([2], ())


def test_the_checksum_is_computed_once_for_many_commits(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a long run of `index` would read the whole index of words again and again."""
    reads = []
    computed = WordsSeal._computed
    monkeypatch.setattr(WordsSeal, "_computed", lambda seal: reads.append(1) or computed(seal))
    with library.writing() as catalogue:
        reads.clear()
        for number in range(5):
            with catalogue.database.transaction():
                catalogue.database.run("UPDATE tracks SET title = ?", (f"Song {number}",))
                catalogue.database.run(SEAL_ROWS)
        assert reads == []
    library.close()
    assert reads == [1]
    assert (library.find("song 4").total, library.find("song 4").notes) == (2, ())
    assert library.verify() == []


def test_changes_of_other_things_leave_the_checksum(library: Library) -> None:
    """A library that is killed after such a change need not build its index of words anew."""
    library.close()
    catalogue = Catalogue.create_or_open(library.folder / "catalogue.sqlite")
    with catalogue.database.transaction():
        catalogue.events.add([Event(1, "like", 1000, "test")])
    stored = catalogue.setting(SETTING)
    catalogue.database.close()  # as if killed: the catalogue itself is not closed
    assert stored


def test_a_killed_writer_leaves_an_index_that_is_built_anew(library: Library) -> None:
    """Nobody knows whether its index of words is whole, so damage from that time is mended."""
    library.close()
    catalogue = Catalogue.create_or_open(library.folder / "catalogue.sqlite")
    with catalogue.database.transaction():
        catalogue.database.run("UPDATE tracks SET title = 'Bang' WHERE id = 1")
        catalogue.database.run(SEAL_ROWS)
    catalogue.database.close()  # as if killed: the catalogue itself is not closed
    assert [track.id for track in library.find("bang")] == [1]
    library.close()
    _replace_in_index(library, b"bang", b"bxng")
    with library.writing():
        pass
    assert ([track.id for track in library.find("bang")], library.find("bang").notes) == ([1], ())
    assert library.verify() == []


def _replace_in_index(library: Library, old: bytes, new: bytes) -> None:
    with sqlite3.connect(library.folder / "catalogue.sqlite") as connection:
        rows = connection.execute("SELECT id, block FROM track_words_data").fetchall()
        changed = [(block.replace(old, new), row) for row, block in rows if old in block]
        assert changed
        connection.executemany("UPDATE track_words_data SET block = ? WHERE id = ?", changed)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE track_words_data SET block = zeroblob(length(block))",
        "UPDATE track_words_config SET v = 99",
        "DROP TABLE track_words_data",
        "DROP TABLE track_words_idx",
        "DROP TABLE track_words_config",
    ],
)
def test_a_damaged_index_is_named_and_a_rebuild_mends_it(library: Library, statement: str) -> None:
    """Nothing is written before that; `verify` finds it too, and the rest of the library stays."""
    library.close()
    with sqlite3.connect(library.folder / "catalogue.sqlite") as connection:
        connection.execute(statement)
    connection.close()
    with pytest.raises(CorruptArtefact, match=r"index of words is damaged .*library rebuild"):
        library.remove([1])
    assert len(library) == 2
    assert [text for text in library.verify() if "index of words is damaged" in text]
    library.rebuild()
    assert library.verify() == []
    library.remove([1])
    assert [track.id for track in library.find("boom")] == [2]


def test_verify_finds_damage_in_what_ranks_the_matches(library: Library) -> None:
    """The number of words of a track stands apart from the words."""
    library.close()
    with sqlite3.connect(library.folder / "catalogue.sqlite") as connection:
        connection.execute("UPDATE track_words_docsize SET sz = x'01010101' WHERE id = 1")
    connection.close()
    assert [text for text in library.verify() if "index of words is damaged" in text]


def test_without_fts5_words_are_found_in_every_row(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SQLite without FTS5 lists, indexes and removes; the next one with it builds the index."""
    library.close()
    path = library.folder / "catalogue.sqlite"
    _rename_module(path, "fts5", "fts9")  # SQLite refuses every use of such a table
    monkeypatch.setattr(WordRows, "has_fts5", lambda _: False)
    found = library.find("hook boom")
    assert ([track.id for track in found], found.notes) == ([1, 2], (NO_FTS5,))
    library.remove([1])
    assert library.find("HOOK boom").total == 1
    assert library.verify() == []
    library.close()
    _rename_module(path, "fts9", "fts5")
    monkeypatch.undo()
    assert library.find("hook boom").notes == (NOT_CURRENT,)
    with library.writing():
        pass
    found = library.find("hook boom")
    assert ([track.id for track in found], found.notes) == ([2], ())
    assert library.verify() == []


def _rename_module(path: Path, old: str, new: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'track_words'",
            (f"USING {old}", f"USING {new}"),
        )
    connection.close()


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_library_of_an_older_format_gets_an_index(tmp_path: Path, number: int) -> None:
    """Opening it brings it up to date, and its tracks are found by words."""
    shutil.copytree(GOLDEN / f"library_format_{number}", tmp_path / "old")
    with Library.open(tmp_path / "old") as library:
        assert library.catalogue.words.is_current()
        assert library.find("song 2").total == 1
        assert list(library.catalogue.words.problems()) == []


def test_a_library_of_format_5_keeps_its_index(tmp_path: Path) -> None:
    """Its words are found without a rebuild, among them those of a track that was renamed."""
    shutil.copytree(GOLDEN / "library_format_5", tmp_path / "old")
    with Library.open(tmp_path / "old", warn=pytest.fail) as library:
        assert library.verify() == []
        assert library.find("senor").tracks[0].id == 20
        assert library.find("song 2").total == 0
        assert len(library) == 4
        assert library.catalogue.database.rows("SELECT * FROM measured") == []
