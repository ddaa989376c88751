"""Artists, albums, songs, genres, and the search of players."""

import random
from itertools import groupby
from typing import TypeVar

from soundalike.server.rest.replies import NOT_FOUND, SubsonicError, Value
from soundalike.server.rest.shelf import IGNORED_ARTICLES, Album, Artist
from soundalike.server.rest.visit import MAX_COUNT, Visit, album_entry

Payload = dict[str, Value]
Item = TypeVar("Item")
FOLDER = {"id": 1, "name": "Music"}


def get_license(_visit: Visit) -> Payload:
    """Always valid: there is nothing to pay for."""
    return {"license": {"valid": True}}


def get_music_folders(_visit: Visit) -> Payload:
    """One folder: the library."""
    return {"musicFolders": {"musicFolder": [FOLDER]}}


def get_artists(visit: Visit) -> Payload:
    """Every artist, under the first letter."""
    return {"artists": {"ignoredArticles": IGNORED_ARTICLES, "index": _index(visit)}}


def get_indexes(visit: Visit) -> Payload:
    """Every artist, for players that browse by folder."""
    index = {"ignoredArticles": IGNORED_ARTICLES, "lastModified": 0, "index": _index(visit)}
    return {"indexes": index}


def get_artist(visit: Visit) -> Payload:
    """An artist and the albums."""
    artist = visit.shelf.artists.get(visit.text("id"))
    if artist is None:
        raise SubsonicError(NOT_FOUND, "no such artist")
    albums = [album_entry(album) for album in artist.albums]
    return {"artist": {**_artist_entry(artist), "album": albums}}


def get_album(visit: Visit) -> Payload:
    """An album and its songs."""
    album = visit.album(visit.text("id"))
    songs = [visit.song(track) for track in album.tracks]
    return {"album": {**album_entry(album), "song": songs}}


def get_song(visit: Visit) -> Payload:
    """One song."""
    return {"song": visit.song(visit.track(visit.text("id")))}


def get_genres(visit: Visit) -> Payload:
    """Every genre, with its numbers."""
    genres = [
        {
            "songCount": len(tracks),
            "albumCount": len({visit.shelf.album_of(track) and track.album for track in tracks}),
            "value": name,
        }
        for name, tracks in sorted(visit.shelf.genres.items())
    ]
    return {"genres": {"genre": genres}}


def get_album_list(visit: Visit) -> Payload:
    """Albums by name, artist, year, genre or chance, for `getAlbumList2`."""
    kind = visit.text("type")
    albums = list(visit.shelf.albums.values())
    match kind:
        case "random":
            random.shuffle(albums)
        case "alphabeticalByArtist":
            albums.sort(key=lambda album: (album.artist.casefold(), album.name.casefold()))
        case "byYear":
            albums = _by_year(visit, albums)
        case "byGenre":
            genre = visit.text("genre").casefold()
            albums = [album for album in albums if (album.genre or "").casefold() == genre]
        case "newest" | "recent":
            albums.sort(key=lambda album: -max(track.id for track in album.tracks))
        case "alphabeticalByName" | "frequent" | "highest" | "starred":
            albums.sort(key=lambda album: album.name.casefold())
        case _:
            raise SubsonicError(NOT_FOUND, f"no list of albums is of the type {kind[:40]!r}")
    start = visit.number("offset", 0, high=10**9)
    page = albums[start : start + visit.number("size", 10)]
    return {"albumList2": {"album": [album_entry(album) for album in page]}}


def get_random_songs(visit: Visit) -> Payload:
    """Songs by chance, of a genre or of some years if these are given."""
    genre = visit.text("genre", "").casefold()
    low, high = visit.number("fromYear", 0, high=9999), visit.number("toYear", 9999, high=9999)
    tracks = [
        track
        for track in visit.shelf.tracks
        if (not genre or track.genre.casefold() == genre)
        and ((low == 0 and high == 9999) or low <= (track.year or -1) <= high)
    ]
    chosen = random.sample(tracks, min(visit.number("size", 10), len(tracks)))
    return {"randomSongs": {"song": [visit.song(track) for track in chosen]}}


def search(visit: Visit) -> Payload:
    """Artists, albums and songs by words, for `search3`; empty words match everything."""
    words = visit.text("query").strip().strip('"').casefold()
    artists = [a for a in visit.shelf.artists.values() if words in a.name.casefold()]
    albums = [a for a in visit.shelf.albums.values() if words in a.name.casefold()]
    start = visit.number("songOffset", 0, high=10**9)
    count = visit.number("songCount", 20)
    songs = visit.library.list(words, limit=count, offset=start)
    return {
        "searchResult3": {
            "artist": [_artist_entry(a) for a in _page(visit, artists, "artist")],
            "album": [album_entry(a) for a in _page(visit, albums, "album")],
            "song": [visit.song(track) for track in songs],
        }
    }


def _page(visit: Visit, items: list[Item], name: str) -> list[Item]:
    start = visit.number(f"{name}Offset", 0, high=10**9)
    return items[start : start + visit.number(f"{name}Count", 20, high=MAX_COUNT)]


def _by_year(visit: Visit, albums: list[Album]) -> list[Album]:
    """From one year to another; downwards if the first is the later one."""
    first = visit.number("fromYear", 0, high=9999)
    last = visit.number("toYear", 9999, high=9999)
    low, high = min(first, last), max(first, last)
    within = [album for album in albums if album.year and low <= album.year <= high]
    return sorted(within, key=lambda album: album.year or 0, reverse=first > last)


def _index(visit: Visit) -> list[Payload]:
    artists = sorted(visit.shelf.artists.values(), key=lambda artist: artist.sort_name)
    return [
        {"name": letter, "artist": [_artist_entry(artist) for artist in some]}
        for letter, some in groupby(artists, key=_letter)
    ]


def _letter(artist: Artist) -> str:
    first = artist.sort_name[:1].upper()
    return first if first.isalpha() else "#"


def _artist_entry(artist: Artist) -> Payload:
    return {"id": artist.id, "name": artist.name, "albumCount": len(artist.albums)}
