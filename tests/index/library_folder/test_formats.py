"""A library of format 3 keeps all that it holds, whatever format comes after it."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from index.catalogue.records import TrackRecord
from index.library import Library
from index.vectors.kinds import StoreSettings

GOLDEN = Path(__file__).parents[2] / "golden" / "library_format_3"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("golden") / "library"
    shutil.copytree(GOLDEN, folder)
    return Library.open(folder, warn=pytest.fail)


def test_a_library_of_format_3_is_sound(library: Library) -> None:
    """Its checksums, types and settings are what today's code expects."""
    assert len(library) == 4
    assert library.verify() == []


def test_a_library_of_format_3_keeps_its_tracks(library: Library) -> None:
    """Every column of a track survives, with names that are not UTF-8 and parts of files."""
    assert [track.id for track in library.all_tracks()] == [10, 20, 30, 40]
    assert library.track(40) == TrackRecord(
        id=40,
        path="/music/album.flac",
        title="Song 4",
        artist="An Artist",
        album="An Album",
        genre="jazz",
        duration_seconds=200.5,
        year=1970,
        track_number=4,
        start_seconds=200.0,
        end_seconds=None,
        audio_digest="04" * 16,
        recording="04" * 16,
    )
    assert library.track(30).end_seconds == 200.0
    assert library.track(10).path == "/music/1.flac\udcff"
    assert library.track(50).is_gone
    assert [failure.reason for failure in library.failures()] == ["broken data"]


def test_a_library_of_format_3_keeps_its_vectors(library: Library) -> None:
    """Vectors and excerpts come back as they were written."""
    expected = np.random.default_rng(3).standard_normal((5, 4)).astype("<f4")
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(library.vectors([10, 40]), expected[[0, 3]], atol=1e-6)
    excerpts = library.excerpts(30)
    assert excerpts is not None
    assert excerpts.starts_seconds.tolist() == [0.0, 2.0]
    assert excerpts.excerpt_seconds == 2.0
    np.testing.assert_allclose(excerpts.vectors, expected[[2, 2]], atol=1e-3)


def test_a_library_of_format_3_keeps_its_fields(library: Library) -> None:
    """Tags come before measurements of the same field."""
    assert library.catalogue.field_values("genre") == {10: ("bebop", "jazz"), 20: ("folk",)}
    assert library.catalogue.field_values("mood") == {20: ("calm",)}
    assert library.catalogue.field_values("energy") == {}  # measured in another way since
    assert library.catalogue.field_values("tempo") == {30: ("90",)}


def test_a_library_of_format_3_keeps_its_settings(library: Library) -> None:
    """The kind of store, the model's notes and the correction against hubs are still set."""
    assert library.store_settings == StoreSettings("hnsw", memory_bytes=2**20, search_effort=32)
    assert library.store.info().kind == "hnsw"
    assert library.scoring.correction == "csls"
    assert library.scoring.calibration.scores == (0.9, 0.1)
    assert library.scoring.random_pairs.quantiles == (0.25, 0.5, 1.0)


def test_a_library_of_format_3_keeps_its_history(library: Library) -> None:
    """Its id and its revisions stay, so a store that was made from it is still its own."""
    state = library.catalogue.revisions.current()
    assert state.catalogue_id == "0f" * 16
    assert library.catalogue.database.rows(
        "SELECT revision, hex(token) FROM revisions WHERE revision <= 5"
    ) == [(number, f"0{number}" * 16) for number in range(1, 6)]
