"""Playlists that tests ask for, and their tracks."""

from index.catalogue.records import TrackRecord
from index.library import Library
from index.playlists.request import PlaylistRequest
from index.playlists.results import Playlist

N = 600
"""The tracks of the library in conftest.py; their ids go along it."""
START, MIDDLE, END = "60", "300", "540"


def playlist_of(library: Library, *seeds: str, **options: object) -> Playlist:
    return library.playlist(PlaylistRequest(seeds, **({"seed": 1} | options)))  # type: ignore[arg-type]  # the options under test


def ids(playlist: Playlist) -> list[int]:
    return [place.track.id for place in playlist.tracks]


def tracks(playlist: Playlist) -> list[TrackRecord]:
    return [place.track for place in playlist.tracks]
