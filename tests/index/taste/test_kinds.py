"""Playlists that start from the listener's events."""

import time
from pathlib import Path

import pytest

from embedder.errors import BadInput, UnknownChoice
from index.library import Library
from index.taste.request import EventRequest
from tests.index.vector_library import library_of, unit_vectors

DAY = 86_400


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return library_of(tmp_path / "library", unit_vectors(20))


def ago(days: float) -> float:
    return time.time() - DAY * days


def test_rediscover_has_what_was_liked_long_ago(library: Library) -> None:
    """Liked or played twice, and nothing for a year; a single play is not enough."""
    with pytest.raises(BadInput, match="for a year"):
        library.playlist(kind="rediscover")
    library.taste.record(
        [
            EventRequest(1, "like", ago(400)),
            *(EventRequest(2, "play", ago(days)) for days in (500, 600)),
            EventRequest(3, "play", ago(500)),
            *(EventRequest(4, kind, ago(days)) for kind, days in (("like", 400), ("play", 9))),
            EventRequest(5, "dislike", ago(500)),
        ]
    )
    playlist = library.playlist(kind="rediscover", length=5)
    assert {entry.track.id for entry in playlist.tracks} == {1, 2}


def test_a_daily_mix_leaves_out_what_is_fresh_or_disliked(library: Library) -> None:
    """It is the same all day, and has neither disliked tracks nor those of the last week."""
    with pytest.raises(BadInput, match="not liked a track yet"):
        library.playlist(kind="daily-mix")
    library.taste.record(
        [
            EventRequest(1, "like", ago(30)),
            *(EventRequest(n, "play", ago(2)) for n in (2, 3, 4)),
            *(EventRequest(n, "dislike", ago(30)) for n in (5, 6)),
        ]
    )
    mixes = [library.playlist(kind="daily-mix", length=12).tracks for _ in range(2)]
    ids = [entry.track.id for entry in mixes[0]]
    assert ids == [entry.track.id for entry in mixes[1]]
    assert len(ids) == 12
    assert not {2, 3, 4, 5, 6} & set(ids)
    with pytest.raises(UnknownChoice, match="kind of playlist"):
        library.playlist(kind="weekly")
