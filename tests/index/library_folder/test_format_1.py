"""A library of format 1 is brought up to date and keeps all that it holds."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from index.library import Library
from index.library_folder.manifest import LIBRARY_FORMAT
from tests.index.toy_encoder import ToyEncoder

GOLDEN = Path(__file__).parents[2] / "golden" / "library_format_1"


@pytest.fixture
def old(tmp_path: Path) -> Library:
    """A copy of the library, opened: opening brings it up to date."""
    folder = tmp_path / "old"
    shutil.copytree(GOLDEN, folder)
    return Library.open(folder)


def test_its_tracks_keep_their_ids(old: Library) -> None:
    """The files that are there have the ids that the first format gave them."""
    assert [track.id for track in old.all_tracks()] == [10, 20, 30, 40]


def test_its_tags_stay(old: Library) -> None:
    """A track has its title, and the catalogue the values of its fields."""
    assert old.track(20).title == "Song 2"
    assert old.catalogue.field_values("genre")[10] == ("jazz",)


def test_a_gone_track_stays_gone(old: Library) -> None:
    """A track that was marked as gone has the mark in the new format too."""
    assert old.track(50).is_gone


def test_its_vectors_stay(old: Library) -> None:
    """The vectors are those that were written, of unit length."""
    expected = np.random.default_rng(1).standard_normal((5, 4)).astype("<f4")
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(old.vectors([10, 40]), expected[[0, 3]], atol=1e-6)


def test_its_failures_stay(old: Library) -> None:
    """A file that could not be analysed is listed with its reason."""
    assert [failure.reason for failure in old.failures()] == ["broken data"]


def test_it_has_no_excerpts(old: Library) -> None:
    """The first format stored none, which is no error."""
    assert old.excerpts(10) is None


def test_it_can_be_indexed(old: Library, music: Path) -> None:
    """New files are added, and the library's file names the newest format."""
    assert old.model.fingerprint == "first-model"
    report = old.index([music], encoder=ToyEncoder("first-model", size=4), migrate=True)
    assert report.added == 8
    assert json.loads((old.folder / "library.json").read_text())["format"] == LIBRARY_FORMAT


def test_opening_to_index_brings_it_up_to_date(tmp_path: Path) -> None:
    """Indexing reads the library's model first, which must not fail for an older format."""
    folder = tmp_path / "old"
    shutil.copytree(GOLDEN, folder)
    with Library.open_or_create(folder) as library:
        assert library.model.fingerprint == "first-model"
