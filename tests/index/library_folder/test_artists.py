"""Who made the tracks of a library, and what counts as the same artist in its use cases."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index.labels.request import VoteSettings
from index.labels.voting import Voting
from index.library import Library
from index.playlists.request import PlaylistRequest
from index.search.request import SearchRequest
from tests.index.vector_library import library_of

GENRE = {"genre": "rock"}
TAGS = [
    {"artist": "George S. Clinton & Morphine", "genre": "score", "album": "A"},
    {"artist": "Morphine", "genre": "rock", "album": "B"},
    {"artist": "morphine feat. Beck", "genre": "rock", "album": "C"},
    {"artist": "Beck", "genre": "pop", "album": "D"},
    {"artist": "Simon & Garfunkel", "genre": "folk", "album": "E"},
    {"artist": "Various Artists", "albumartist": "Beck", "genre": "pop", "album": "F"},
    {"artist": "Various Artists", "genre": "pop", "album": "G"},
    {"artist": "Nina; Duke", "genre": "jazz", "album": "H"},
    {"artist": "Duke", "genre": "jazz", "album": "I"},
]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Nine tracks along an arc, each nearest to those beside it."""
    angles = np.arange(len(TAGS)) / 10
    with library_of(tmp_path, np.stack([np.cos(angles), np.sin(angles)], axis=1), TAGS) as opened:
        yield opened


def test_the_artists_of_tracks(library: Library) -> None:
    """Parts with tracks of their own, guests, lists and album artists count; nobody does not."""
    artists = library.artists.of_ids(range(1, 10))
    assert [set(artists[i]) for i in range(1, 10)] == [
        {"georgesclinton", "morphine"},
        {"morphine"},
        {"morphine", "beck"},
        {"beck"},
        {"simonandgarfunkel"},
        {"beck"},
        set(),
        {"nina", "duke"},
        {"duke"},
    ]


def test_a_collaboration_takes_no_vote_from_one_of_its_artists(library: Library) -> None:
    """Tracks that share an artist do not vote for each other; all others vote."""
    tracks = library.tracks([1, 2, 4])
    votes = Voting(library, VoteSettings(k=9)).label(tracks, library.vectors([1, 2, 4]))
    voters = [{voter.track.id for voter in vote.voters} for vote in votes]
    assert voters == [{4, 5, 6, 7, 8, 9}, {4, 5, 6, 7, 8, 9}, {1, 2, 5, 7, 8, 9}]


def test_a_limit_per_artist_counts_collaborations(library: Library) -> None:
    """With one track an artist, a track by two artists takes the place of both."""
    request = SearchRequest(("1",), k=8, per_artist=1, correction="none")
    ids = [neighbour.track.id for neighbour in library.search(request).neighbours]
    assert ids == [2, 4, 5, 7, 8]


def test_a_playlist_spaces_collaborations(library: Library) -> None:
    """With a limit of one, no artist comes twice, alone or with others."""
    request = PlaylistRequest(seeds=("5",), length=6, per_artist=1, spacing=0, seed=1)
    playlist = library.playlist(request)
    keys = [library.artists.of([entry.track])[0] for entry in playlist.tracks]
    names = [name for track_keys in keys for name in track_keys]
    assert len(names) == len(set(names))
    assert len(keys) >= 4


def test_info_counts_names_and_artists(library: Library) -> None:
    """Eight different names of the tags name six artists."""
    assert library.report().to_json()["artists"] == {"n_names": 8, "n_artists": 6}


def test_artists_follow_a_change_of_the_catalogue(library: Library) -> None:
    """Artists are read again if another process changes tags, though this one has them."""
    before = library.artists.of_ids([5])[5]
    with Library.open(library.folder) as other, other.writing() as catalogue:
        catalogue.database.run("UPDATE tags SET value = 'Simon' WHERE value = 'Duke'")
    assert library.artists.of_ids([5])[5] == {"simon", "garfunkel"} != before


def test_a_file_outside_the_library_is_by_the_artists_of_its_tag(library: Library) -> None:
    """Its names are split by the names of the library."""
    track = library.tracks([1])[0]
    outside = type(track)(0, os.fspath("new.mp3"), "", "Beck & Nobody Else", "", "", None)
    assert library.artists.of([outside]) == [{"beck", "nobodyelse"}]
