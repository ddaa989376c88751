"""Damaged rows of the catalogue: vectors, excerpts and tracks are refused and named."""

import re
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import CorruptArtefact
from index.library import Library
from tests.index.library_folder.damaged_library import change, six_tracks
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav
from tests.index.vector_library import library_of, unit_vectors


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Six tracks with ids 1 to 6, closed."""
    return six_tracks(tmp_path)


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
    change(library, f"UPDATE tracks SET {assignment} WHERE id = 3")
    column = assignment.split()[0]
    with Library.open(library.folder) as opened:
        with pytest.raises(CorruptArtefact, match="track 3 has values of a wrong type"):
            opened.tracks([3])
        assert any(f"tracks.{column}" in problem for problem in opened.verify())


@pytest.mark.parametrize(
    ("assignment", "column"),
    [("title = 'boom'", "title"), ("genre = 'jazy'", "genre"), ("year = 1961", "year")],
)
def test_verify_compares_columns_with_tags(tmp_path: Path, assignment: str, column: str) -> None:
    """A value that no tag has is named with its track, if it is nearly one."""
    tags = {"title": "Boom", "genre": "jazz; pop", "year": "1960"}
    with library_of(tmp_path / "library", unit_vectors(2), [tags, tags]) as opened:
        assert opened.verify() == []
        change(opened, f"UPDATE tracks SET {assignment} WHERE id = 2")
        problems = [text for text in opened.verify() if "library remove 2" in text]
        assert [text.partition(". ")[0] for text in problems] == [
            f"track 2: its {column} differs from its tag"
        ]


@pytest.mark.parametrize(
    "assignment",
    [
        "track_number = 5",
        "duration_seconds = duration_seconds + 1e-9",
        "start_seconds = 1.5",
        "end_seconds = 2.5",
        "size_bytes = size_bytes + 1",
        "modified_ns = modified_ns + 1",
        "audio_digest = zeroblob(16)",
        "is_gone = 1",
        "checksum = checksum + 1",
    ],
)
def test_verify_finds_a_damaged_number(library: Library, assignment: str) -> None:
    """Each row has a checksum, so values that stand nowhere else are verified too."""
    assert library.verify() == []
    change(library, f"UPDATE tracks SET {assignment} WHERE id = 3")
    problems = [text.partition(". ")[0] for text in library.verify()]
    assert "track 3: one of its values is damaged" in problems


def test_indexing_keeps_checksums_in_step(library: Library, tmp_path: Path) -> None:
    """After files are moved, lost, retagged and found again, every row is sound."""
    music = tmp_path / "music"
    (music / "0.wav").rename(music / "moved.wav")
    (music / "1.wav").rename(tmp_path / "1.wav")
    tag_wav(music / "2.wav", title="Two")
    library.index([music], encoder=ToyEncoder())
    assert library.verify() == []
    (tmp_path / "1.wav").rename(music / "1.wav")
    library.index([music], encoder=ToyEncoder())
    assert library.verify() == []


def test_verify_finds_a_flipped_bit_in_a_tag_wherever_it_stands(tmp_path: Path) -> None:
    """SQLite compares each table with its indexes, and the columns of tracks have the tags."""
    folder = tmp_path / "library"
    library_of(folder, unit_vectors(2), [{"genre": "shoegaze"}, {}]).close()
    path = folder / "catalogue.sqlite"
    sound = path.read_bytes()
    places = [match.start() for match in re.finditer(b"shoegaze", sound)]
    assert len(places) == 3, "the column, the tag, and its index"
    for place in places:
        path.write_bytes(sound[:place] + b"sho5" + sound[place + 4 :])
        with Library.open(folder) as opened:
            assert opened.verify() != []


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
        library.write_manifest = lambda _: None  # type: ignore[method-assign]  # as if the process had died before it
    with (
        Library.open(library.folder) as opened,
        pytest.raises(CorruptArtefact, match="the catalogue is damaged"),
    ):
        opened.nearest(np.ones((1, 8)), 3)


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
