"""Damage to any part of a library: refused with advice, or repaired with a warning."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import CorruptArtefact
from index.library import Library
from index.library_folder import model_notes
from index.library_folder.leftovers import MIN_AGE_SECONDS
from index.vectors import hubness, random_pairs
from tests.index.toy_encoder import ToyEncoder, write_wav

ROOT = Path(__file__).parents[3]
DAMAGED_JSON = ["", "null", "[]", "{}", "{", "[" * 100_000, '{"format": "2"}', "\udcff", "7"]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for number in range(6):
        write_wav(tmp_path / "music" / f"{number}.wav", number)
    library = Library.open_or_create(tmp_path / "library")
    library.index([tmp_path / "music"], encoder=ToyEncoder())
    assert len(library) == 6
    library.close()
    return library


def change(library: Library, statement: str, *values: str | bytes | int) -> None:
    with library.writing() as catalogue:
        catalogue.database.run("PRAGMA foreign_keys = OFF")
        catalogue.database.run(statement, values)


@pytest.mark.parametrize("text", DAMAGED_JSON)
def test_a_damaged_manifest_is_refused(library: Library, text: str) -> None:
    """Whatever `library.json` holds, the message names it and says what to do."""
    path = library.folder / "library.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(CorruptArtefact, match=r"library\.json: damaged\. Run 'soundalike index'"):
        Library.open(library.folder)


@pytest.mark.parametrize(
    ("name", "value"), [("format", "2"), ("format", None), ("fingerprint", 5), ("curvature", "1")]
)
def test_a_manifest_with_wrong_types_is_refused(library: Library, name: str, value: object) -> None:
    """A field of a wrong type is damage, not a newer format."""
    path = library.folder / "library.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(CorruptArtefact, match="damaged"):
        Library.open(library.folder)


def test_indexing_mends_a_damaged_manifest(library: Library, tmp_path: Path) -> None:
    """The advice of the message works."""
    (library.folder / "library.json").write_text("[]")
    with Library.open_or_create(library.folder) as opened:
        opened.index([tmp_path / "music"], encoder=ToyEncoder())
    with Library.open(library.folder) as opened:
        assert opened.verify() == []


@pytest.mark.parametrize("text", ["null", "[]", "{", "[" * 100_000, "7", '{"kind": "tree"}'])
def test_damaged_settings_of_the_store_are_refused(library: Library, text: str) -> None:
    """The message names the setting, and its advice mends it."""
    change(library, "INSERT OR REPLACE INTO settings VALUES ('store', ?)", text)
    with Library.open(library.folder) as opened:
        with pytest.raises(CorruptArtefact, match=r"setting 'store'.*rebuild --store auto"):
            len(opened)
        assert any("'store'" in problem for problem in opened.verify())
        opened.rebuild_as("auto")
        assert opened.verify() == []


@pytest.mark.parametrize("key", [model_notes.SETTING, random_pairs.SETTING])
@pytest.mark.parametrize("text", ["null", "[]", "{", "[" * 100_000, '{"fingerprint": 1}'])
def test_damaged_notes_are_refused(library: Library, tmp_path: Path, key: str, text: str) -> None:
    """What searches read beside the vectors is refused, and the next run of indexing mends it."""
    change(library, "INSERT OR REPLACE INTO settings VALUES (?, ?)", key, text)
    with Library.open(library.folder) as opened:
        with pytest.raises(CorruptArtefact, match=f"setting '{key}' is damaged.*soundalike index"):
            _ = opened.scoring.calibration, opened.scoring.random_pairs
        opened.index([tmp_path / "music"], encoder=ToyEncoder())
        assert opened.verify() == []


def test_a_damaged_correction_is_refused(library: Library) -> None:
    """It is no mistake of the user's command line."""
    change(library, "INSERT OR REPLACE INTO settings VALUES (?, 'x')", hubness.SETTING)
    with Library.open(library.folder) as opened:
        with pytest.raises(CorruptArtefact, match="--hubness model"):
            _ = opened.scoring.correction
        opened.set_correction("model")
        assert opened.verify() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vectors SET vector = x'00112233' WHERE track_id = 2",
        "UPDATE vectors SET vector = x'' WHERE track_id = 2",
        "UPDATE vectors SET vector = 'text' WHERE track_id = 2",
        "UPDATE vectors SET vector = CAST(vector || x'00' AS BLOB) WHERE track_id = 2",
        "UPDATE vectors SET vector = CAST(x'7f' || substr(vector, 2) AS BLOB) WHERE track_id = 2",
        "UPDATE vectors SET checksum = checksum + 1 WHERE track_id = 2",
        "UPDATE vectors SET track_id = 99 WHERE track_id = 2",
    ],
)
def test_a_damaged_vector_is_refused_and_named(library: Library, statement: str) -> None:
    """A store that has to be rebuilt from it is refused, and `verify` names the track."""
    change(library, statement)
    (library.folder / "vectors.faiss").unlink()
    with Library.open(library.folder) as opened:
        with pytest.raises(CorruptArtefact, match=r"track (2|99) are damaged.*library remove"):
            opened.nearest(np.ones((1, 8)), 3)
        assert any("are damaged" in problem for problem in opened.verify())


@pytest.mark.parametrize("one_by_one", [1000, 0])
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM vectors WHERE track_id = 2",
        "UPDATE vectors SET track_id = 99, checksum = row_checksum(99, vector) WHERE track_id = 2",
    ],
)
def test_a_missing_vector_leaves_no_row_of_chance(
    library: Library, monkeypatch: pytest.MonkeyPatch, statement: str, one_by_one: int
) -> None:
    """Whether rows are read one by one or in one pass, a row that is missing is damage."""
    monkeypatch.setattr("index.catalogue.vector_rows.ONE_BY_ONE", one_by_one)
    change(library, statement)
    with Library.open(library.folder) as opened:
        rows = opened.catalogue.vectors
        with pytest.raises(CorruptArtefact, match="vectors of track 2 are damaged"):
            rows.matrix(opened.model.id, np.arange(1, 7), size=8)


def test_a_row_that_is_there_twice_does_not_stand_for_another(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are not only counted: without its index, SQLite would take the same row again."""
    monkeypatch.setattr("index.catalogue.vector_rows.ONE_BY_ONE", 0)
    change(library, "DROP INDEX vectors_by_model")
    change(library, "INSERT INTO vectors SELECT * FROM vectors WHERE track_id = 3")
    change(library, "DELETE FROM vectors WHERE track_id = 2")
    with Library.open(library.folder) as opened:
        rows = opened.catalogue.vectors
        with pytest.raises(CorruptArtefact, match="vectors of track 2 are damaged"):
            rows.matrix(opened.model.id, np.arange(1, 7), size=8)


def test_the_advice_for_a_damaged_vector_works(library: Library, tmp_path: Path) -> None:
    """Removing the track and indexing again leaves a sound library."""
    change(library, "UPDATE vectors SET vector = zeroblob(32) WHERE track_id = 2")
    (library.folder / "vectors.faiss").unlink()
    with Library.open(library.folder) as opened:
        opened.remove([2])
        opened.index([tmp_path / "music"], encoder=ToyEncoder())
        assert opened.verify() == []
        assert len(opened) == 6


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE excerpts SET vectors = CAST(x'7f' || substr(vectors, 2) AS BLOB)",
        "UPDATE excerpts SET starts_seconds = x'' WHERE track_id = 2",
        "UPDATE excerpts SET excerpt_seconds = 'soon' WHERE track_id = 2",
    ],
)
def test_damaged_excerpts_are_refused_and_named(library: Library, statement: str) -> None:
    """An explanation is never made from damaged excerpts."""
    change(library, statement)
    with Library.open(library.folder) as opened:
        with pytest.raises(CorruptArtefact, match="track 2 are damaged"):
            opened.excerpts(2)
        assert any("track 2" in problem for problem in opened.verify())


@pytest.mark.parametrize(
    "assignment",
    [
        "path = 'text'",
        "title = x'00'",
        "duration_seconds = 'long'",
        "audio_digest = 5",
        "year = x'1f'",
    ],
)
def test_a_track_with_values_of_wrong_types_is_refused(library: Library, assignment: str) -> None:
    """It is damage of the catalogue, and `verify` names table and column."""
    change(library, f"UPDATE tracks SET {assignment} WHERE id = 3")  # noqa: S608 - ours
    column = assignment.split()[0]
    with Library.open(library.folder) as opened:
        with pytest.raises(CorruptArtefact, match="track 3 has values of a wrong type"):
            opened.tracks([3])
        assert any(f"tracks.{column}" in problem for problem in opened.verify())


def test_indexing_refuses_a_path_of_a_wrong_type(library: Library, tmp_path: Path) -> None:
    """It ends as damage, before anything is compared with the files."""
    change(library, "UPDATE tracks SET path = 'text' WHERE id = 3")
    with pytest.raises(CorruptArtefact, match="a path has a wrong type"):
        library.index([tmp_path / "music"], encoder=ToyEncoder())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE models SET geometry = 'flat'",
        "UPDATE models SET embedding_size = 'eight'",
        "UPDATE settings SET value = '77' WHERE key = 'current_model'",
        "DELETE FROM revisions",
        "DELETE FROM settings WHERE key = 'catalogue_id'",
    ],
)
def test_a_catalogue_that_contradicts_itself_is_refused(library: Library, statement: str) -> None:
    """It is never taken for an empty library, nor for a bug."""
    with library.writing() as catalogue:
        catalogue.database.run(statement)
        library.write_manifest = lambda _: None  # type: ignore[method-assign]
    with (
        Library.open(library.folder) as opened,
        pytest.raises(CorruptArtefact, match="the catalogue is damaged"),
    ):
        opened.nearest(np.ones((1, 8)), 3)


@pytest.mark.parametrize("where", [0.05, 0.35, 0.65, 0.95])
def test_a_flipped_byte_of_the_store_is_noticed(library: Library, where: float) -> None:
    """The answers are right and there is a warning, though the file's time is the old one."""
    path = library.folder / "vectors.faiss"
    with Library.open(library.folder) as opened:
        expected = opened.nearest(opened.vectors([1, 2, 3]), 5)
    before, data = path.stat(), bytearray(path.read_bytes())
    data[int(where * len(data))] ^= 0x10
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    warnings: list[str] = []
    with Library.open(library.folder, warn=warnings.append) as opened:
        answers = opened.nearest(opened.vectors([1, 2, 3]), 5)
    assert len(warnings) == 1
    np.testing.assert_array_equal(answers[1], expected[1])


@pytest.mark.parametrize("name", ["hnsw-sq8", "ivf-sq8"])
def test_a_damaged_row_of_a_mapped_store_is_noticed_when_read(library: Library, name: str) -> None:
    """Its exact vectors are not read at opening; the store is then built anew, with a warning."""
    path = library.folder / "vectors.faiss"
    library.rebuild_as(name)
    with Library.open(library.folder) as opened:
        vector = opened.vectors([4])
        expected = opened.nearest(vector, 5)
        random_pairs_before = opened.scoring.random_pairs
    data = bytearray(path.read_bytes())
    data[data.index(vector.tobytes()) + 7] ^= 0x40
    path.write_bytes(data)
    assert any("library rebuild" in problem for problem in library.verify())
    for read in (lambda one: one.nearest(vector, 5), lambda one: one.vectors([4])):
        path.write_bytes(data)
        warnings: list[str] = []
        with Library.open(library.folder, warn=warnings.append) as opened:
            assert len(opened) == 6
            assert warnings == []
            read(opened)
            assert len(warnings) == 1
            assert "a vector's checksum is wrong" in warnings[0]
            np.testing.assert_array_equal(opened.nearest(vector, 5)[1], expected[1])
            assert opened.scoring.random_pairs == random_pairs_before
        with Library.open(library.folder) as opened:
            assert opened.verify() == []


def test_verify_mends_nothing(library: Library) -> None:
    """It reports a damaged store and leaves it as it is."""
    path = library.folder / "vectors.faiss"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    for _ in range(2):
        problems = library.verify()
        assert len(problems) == 1
        assert "library rebuild" in problems[0]


def test_analysing_again_finds_another_vector(library: Library) -> None:
    """A vector that the file's audio does not have is found, whatever its checksum says."""
    assert library.verify(deep=True, encoder=ToyEncoder()) == []
    with library.writing() as catalogue:
        vector = catalogue.vectors.vector(1, 5, size=8)[::-1].tobytes()
        catalogue.database.run(
            "UPDATE vectors SET vector = ?, checksum = row_checksum(5, ?) WHERE track_id = 5",
            (vector, vector),
        )
    library.rebuild()
    assert library.verify() == []
    problems = library.verify(deep=True, encoder=ToyEncoder())
    assert len(problems) == 1
    assert problems[0].startswith("track 5, ")


def test_analysing_again_leaves_out_changed_files(library: Library, tmp_path: Path) -> None:
    """A file that was changed or deleted after it was indexed says nothing about the library."""
    (tmp_path / "music" / "0.wav").unlink()
    write_wav(tmp_path / "music" / "1.wav", 77, n_samples=99)
    encoder = ToyEncoder()
    assert library.verify(deep=True, encoder=encoder) == []
    assert len(encoder.analysed_paths) == 4


KILLED = """
import os
from pathlib import Path
from index.library import Library
import index.vectors.store_file
os.fsync = lambda _: os._exit(9)  # as if it were killed before the file is renamed
Library.open(Path({library!r})).rebuild()
"""


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
