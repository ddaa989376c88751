"""Measured energy and tempo: stored beside a file's tags, and queried in the same way."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from index.catalogue.ledger import Ledger
from index.catalogue.where_sql import ids_where
from index.library import Library
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav

GOLDEN = Path(__file__).parents[2] / "golden" / "library_format_2"


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for number in range(2):
        tag_wav(write_wav(tmp_path / "music" / f"{number}.wav", number), genre="jazz")
    return tmp_path / "music"


@pytest.fixture
def library(tmp_path: Path, music: Path) -> Library:
    """Two tracks; the first has a measured energy and tempo."""
    library = Library.open_or_create(tmp_path / "library")
    library.index([music], encoder=ToyEncoder())
    with library.writing() as catalogue:
        Ledger(catalogue).put_measurements([(1, "energy", "0.25"), (1, "tempo", "120")])
    return library


@pytest.fixture
def old_library(tmp_path: Path) -> Library:
    """The library of format 2, brought up to date."""
    shutil.copytree(GOLDEN, tmp_path / "old")
    return Library.open(tmp_path / "old")


def test_new_tags_leave_measurements_alone(library: Library, music: Path) -> None:
    """A file's new tags are read, and its energy need not be measured again."""
    tag_wav(music / "0.wav", genre="blues")
    assert library.index([music], encoder=ToyEncoder()).updated == 1
    assert library.track(1).genre == "blues"
    assert library.catalogue.field_values("energy") == {1: ("0.25",)}


def test_new_audio_drops_measurements(library: Library, music: Path) -> None:
    """Another recording in the same place has another energy."""
    write_wav(music / "0.wav", 77)
    assert library.index([music], encoder=ToyEncoder()).updated == 1
    assert library.catalogue.field_values("energy") == {}


def test_measurements_are_no_change_of_tags(library: Library, music: Path) -> None:
    """A file with a new time of change and the old tags is unchanged."""
    (music / "0.wav").touch()
    assert library.index([music], encoder=ToyEncoder()).unchanged == 2


def test_removed_tracks_lose_their_measurements(library: Library) -> None:
    """An id that is forgotten leaves no row behind."""
    library.remove([1])
    assert library.catalogue.database.rows("SELECT * FROM measurements") == []


def test_measured_fields_are_listed_and_filtered_like_tags(library: Library) -> None:
    """`fields`, the values of a field and `--where` see both."""
    catalogue = library.catalogue
    assert catalogue.fields()["energy"] == 1
    assert {"energy", "genre", "tempo"} <= set(catalogue.field_names())
    assert catalogue.values_of("tempo") == ["120"]
    assert ids_where(catalogue, "tempo>100").tolist() == [1]
    assert ids_where(catalogue, "not tempo>100").tolist() == [2]


def test_a_files_own_tag_comes_before_the_measured_value(library: Library) -> None:
    """An own tempo and a measured one both count, the file's own first."""
    with library.writing() as catalogue:
        catalogue.database.run("INSERT INTO tags VALUES (1, 'tempo', '96')")
    assert library.catalogue.field_values("tempo") == {1: ("96", "120")}


def test_a_library_of_format_2_keeps_its_tracks(old_library: Library) -> None:
    """Tracks, parts, vectors, excerpts and failures survive."""
    assert [track.id for track in old_library.all_tracks()] == [10, 20, 30, 40]
    assert old_library.track(40).start_seconds == 200.0
    expected = np.random.default_rng(2).standard_normal((4, 4)).astype("<f4")
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(old_library.vectors([10, 40]), expected[[0, 3]], atol=1e-6)
    excerpts = old_library.excerpts(30)
    assert excerpts is not None
    assert excerpts.starts_seconds.tolist() == [0.0, 2.0]
    assert [failure.reason for failure in old_library.failures()] == ["broken data"]


def test_format_2_drops_its_measured_values(old_library: Library) -> None:
    """What was measured is dropped, as it is measured in another way; a file's own tag stays."""
    database = old_library.catalogue.database
    assert database.rows("SELECT * FROM measurements") == []
    assert database.rows("SELECT * FROM tags WHERE field <> 'genre' ORDER BY 1, 3") == [
        (20, "tempo", "96"),
        (30, "energy", "high"),
        (40, "tempo", "100"),
        (40, "tempo", "99.5"),
    ]
