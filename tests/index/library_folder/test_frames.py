"""A library as a pandas table, and a table's tracks and labels back into it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from embedder.datasets.synthesis.folder import write_music_folder
from embedder.errors import UsageError
from index.labels.files.from_frame import labels_in
from index.labels.files.writing import undo_labels
from index.library import Library
from index.library_folder.frames import library_frame, tracks_in
from index.playlists.files.files import read_playlist
from index.playlists.request import PlaylistRequest
from tests.index.playlists.playlist_library import Song, write_library
from tests.index.toy_encoder import ToyEncoder

SONGS = (
    Song("One", artist="A", genre="jazz", tags=(("mood", "calm"), ("mood", "late"))),
    Song("Two", artist="B", genre="rock"),
    Song("Three", artist="C"),
)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Three tracks, one of them with a mood of two values."""
    vectors = np.eye(3, 4, dtype=np.float32)
    return write_library(tmp_path / "library", SONGS, vectors)


def test_a_library_is_a_row_a_track(library: Library) -> None:
    """The rows go by id and hold every tag; values of one tag are joined."""
    frame = library.to_pandas()
    assert frame["title"].tolist() == ["One", "Two", "Three"]
    assert frame["mood"].tolist() == ["calm; late", "", ""]
    assert library.vectors(frame.index.to_numpy()).shape == (3, 4)


def test_years_stay_whole_numbers(library: Library) -> None:
    """A year that some tracks lack does not turn the others into 1970.0."""
    assert str(library_frame(library)["year"].dtype) == "Int64"


def test_an_empty_library_is_an_empty_table(tmp_path: Path) -> None:
    """A library without a track has no row."""
    none = write_library(tmp_path / "none", (), np.empty((0, 4), dtype=np.float32))
    assert none.to_pandas().empty


def test_tracks_are_named_by_path_id_or_index(library: Library) -> None:
    """Paths, ids and the index of a table name the same tracks."""
    frame = library.to_pandas()
    by_path = [library.tracks_named(text)[0].id for text in tracks_in(frame)]
    assert by_path == [int(text) for text in tracks_in(frame[["title"]])]
    assert by_path == [int(text) for text in tracks_in(frame[["title"]].reset_index())]


def test_a_table_that_names_no_track_is_refused() -> None:
    """The message lists the columns that there are."""
    with pytest.raises(UsageError, match="columns song"):
        tracks_in(pd.DataFrame({"song": ["a.mp3"]}))


def test_empty_cells_label_nothing(library: Library) -> None:
    """None, NaN and blanks are no labels; several stand apart by semicolons."""
    frame = library.to_pandas().assign(mood=["sad; late", None, " "])
    votes = list(labels_in(library, frame, "mood"))
    assert [(vote.track.title, vote.labels) for vote in votes] == [("One", ("sad", "late"))]
    with pytest.raises(UsageError, match="no column 'colour'"):
        list(labels_in(library, frame, "colour"))


def test_a_column_is_written_into_the_files_and_taken_back(tmp_path: Path) -> None:
    """The library knows the new tag at once, and the journal undoes it."""
    songs = write_music_folder(
        tmp_path / "music", styles=("piano",), artists_per_style=1, seconds=1.0, formats=(".wav",)
    )
    with Library.open_or_create(tmp_path / "library") as library:
        library.index([tmp_path / "music"], encoder=ToyEncoder())
        frame = library.to_pandas().assign(grouping="evening")
        report = library.write_tags_from(frame, "grouping")
        assert report.n_written == len(songs)
        assert set(library.to_pandas()["grouping"]) == {"evening"}
        assert report.journal is not None
        undo_labels(library, report.journal)
        assert "grouping" not in library.to_pandas().columns


def test_a_playlist_saves_itself(library: Library, tmp_path: Path) -> None:
    """The saved playlist is read back with the same paths."""
    playlist = library.playlist(PlaylistRequest(("1",), length=2, seed=0))
    playlist.save(tmp_path / "list.m3u8")
    read = [str(entry.path) for entry in read_playlist(tmp_path / "list.m3u8")]
    assert read == [place.track.path for place in playlist.tracks]
