"""A library of format 8 keeps what was measured, its copies, and what the listener did."""

import shutil
from pathlib import Path

import pytest

from index.library import Library

GOLDEN = Path(__file__).parents[2] / "golden" / "library_format_8"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    shutil.copytree(GOLDEN, tmp_path / "library")
    return Library.open(tmp_path / "library", warn=pytest.fail)


def test_it_is_sound(library: Library) -> None:
    """The checksums of its tracks, vectors and words are those that today's code computes."""
    assert library.verify() == []
    assert [track.title for track in library.find("senor").tracks] == ["Señor Blues"]


def test_it_keeps_what_was_measured(library: Library) -> None:
    """Values of fields, and the data of measurers with their versions."""
    catalogue = library.catalogue
    assert catalogue.field_values("measured.tempo") == {10: ("124.5",)}
    assert catalogue.field_values("measured.key") == {10: ("Am",)}
    assert catalogue.measured.data("fingerprint", 1, [10, 20]) == {20: b"\x05\x06"}
    assert catalogue.measured.has(10, {"descriptors": 1})
    assert not catalogue.measured.has(10, {"descriptors": 2})


def test_it_keeps_its_copies(library: Library) -> None:
    """Two tracks that one recording was found in are still one."""
    keys = library.catalogue.recording_keys([10, 20, 30])
    assert keys[10] == keys[20] != keys[30]


def test_it_keeps_its_events(library: Library) -> None:
    """Likes, plays and skips, with their times and sources."""
    events = [
        (event.track.id, event.kind, event.happened, event.source)
        for event in library.taste.report()
    ]
    assert events == [
        (20, "skip", 1_700_000_200, "subsonic"),
        (10, "play", 1_700_000_100, "mpd"),
        (10, "like", 1_700_000_000, "page"),
    ]
