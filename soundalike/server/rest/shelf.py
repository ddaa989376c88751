"""The library as players see it: artists, their albums, their songs. Made once for each state.

An album is the tracks of one album title by one album artist. Ids are `tr-` and a track's id, and
`al-` and `ar-` with a digest of the name, so that they stay when tracks are added.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from index.catalogue.records import TrackRecord
from index.library import Library

UNKNOWN_ARTIST = "[Unknown Artist]"
UNKNOWN_ALBUM = "[Unknown Album]"
IGNORED_ARTICLES = "The El La Los Las Le Les"
_ARTICLES = tuple(f"{word.casefold()} " for word in IGNORED_ARTICLES.split())


@dataclass(slots=True)
class Album:
    """An album and its tracks, in their order."""

    id: str
    name: str
    artist: str
    artist_id: str
    tracks: list[TrackRecord] = field(default_factory=list)

    @property
    def year(self) -> int | None:
        """The year of its first track that has one."""
        return next((track.year for track in self.tracks if track.year), None)

    @property
    def genre(self) -> str | None:
        """The genre of its first track that has one."""
        return next((track.genre for track in self.tracks if track.genre), None)

    @property
    def seconds(self) -> float:
        """Its playing time."""
        return sum(track.duration_seconds or 0.0 for track in self.tracks)


@dataclass(slots=True)
class Artist:
    """An artist and the albums."""

    id: str
    name: str
    albums: list[Album] = field(default_factory=list)

    @property
    def sort_name(self) -> str:
        """The name by which it is listed: without an article, without case."""
        name = self.name.casefold()
        for article in _ARTICLES:
            if name.startswith(article):
                return name.removeprefix(article)
        return name


class Shelf:
    """All artists, albums and songs of a library."""

    def __init__(self, tracks: Iterable[TrackRecord], album_artists: dict[int, str]) -> None:
        self.artists: dict[str, Artist] = {}
        self.albums: dict[str, Album] = {}
        self.genres: dict[str, list[TrackRecord]] = defaultdict(list)
        self._album_of: dict[int, str] = {}
        for track in tracks:
            self._add(track, album_artists.get(track.id, track.artist))
        for album in self.albums.values():
            album.tracks.sort(key=lambda track: (track.track_number or 0, track.path, track.id))

    def album_of(self, track: TrackRecord) -> Album | None:
        """The album of a track."""
        return self.albums.get(self._album_of.get(track.id, ""))

    @property
    def tracks(self) -> list[TrackRecord]:
        """Every track, album by album."""
        return [track for album in self.albums.values() for track in album.tracks]

    def _add(self, track: TrackRecord, artist_name: str) -> None:
        artist_name = artist_name or UNKNOWN_ARTIST
        album_name = track.album or UNKNOWN_ALBUM
        artist_id = _id("ar", artist_name)
        album_id = _id("al", f"{artist_name}\0{album_name}")
        artist = self.artists.setdefault(artist_id, Artist(artist_id, artist_name))
        if album_id not in self.albums:
            self.albums[album_id] = Album(album_id, album_name, artist.name, artist_id)
            artist.albums.append(self.albums[album_id])
        self.albums[album_id].tracks.append(track)
        self._album_of[track.id] = album_id
        if track.genre:
            self.genres[track.genre].append(track)


def shelf_of(library: Library) -> Shelf:
    """The shelf of an open library."""
    values = library.catalogue.field_values("albumartist")
    return Shelf(library.all_tracks(), {key: names[0] for key, names in values.items()})


def track_number_of(song_id: str) -> int | None:
    """The track's id in a song's id."""
    number = song_id.removeprefix("tr-")
    is_number = number.isascii() and number.isdigit() and len(number) <= 18
    return int(number) if is_number else None


def _id(kind: str, name: str) -> str:
    digest = hashlib.sha256(name.casefold().encode("utf-8", "surrogateescape")).hexdigest()
    return f"{kind}-{digest[:16]}"
