"""The three requests of the AudioMuse plugin, and the state of the mapping."""

import logging
import threading
from collections import defaultdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from embedder.errors import BadInput, NotFound, SoundalikeError
from index.catalogue.records import TrackRecord
from index.library import Library
from index.playlists.request import PlaylistRequest
from index.search.request import SearchRequest
from soundalike.server.context import Context
from soundalike.server.navidrome.crawl import Navidrome, create_playlist, songs_of
from soundalike.server.navidrome.matching import SongMap, match_songs
from soundalike.server.replies import json_reply

logger = logging.getLogger(__name__)

MAX_SONGS = 500
MAX_PATH = 100
MAX_ARTISTS = 100
MAX_SEEDS = 50
MOST_LISTED = 200
REPRESENTATIVES = 3
MUSICBRAINZ_FIELDS = ("musicbrainz_trackid", "musicbrainz track id")

SongId = Annotated[str, Query(min_length=1, max_length=200)]
Count = Annotated[int, Query(ge=1, le=MAX_SONGS)]


class SentPlaylist(BaseModel):
    """A playlist for Navidrome, by the ids of this library's tracks."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[int], Field(min_length=1, max_length=10_000)]
    name: Annotated[str, Field(min_length=1, max_length=100)]


class Partners:
    """The mapping, made in the background when the server starts."""

    def __init__(self, context: Context, server: Navidrome) -> None:
        self._context = context
        self._server = server
        self._songs = SongMap({}, {}, ())
        self.state = "asking Navidrome for its songs"
        threading.Thread(target=self._make, daemon=True).start()

    @property
    def songs(self) -> SongMap:
        """The mapping as it is now."""
        return self._songs

    def _make(self) -> None:
        try:
            songs = list(songs_of(self._server))
            with self._context.libraries.reading() as library:
                recordings: dict[int, tuple[str, ...]] = {}
                for field in MUSICBRAINZ_FIELDS:
                    recordings |= library.catalogue.field_values(field)
                self._songs = match_songs(songs, library.all_tracks(), recordings)
            self.state = "ready"
        except SoundalikeError as error:
            self.state = str(error)
            logger.warning("%s", error)

    def track_id(self, song_id: str) -> int:
        """The track of a song; raises NotFound."""
        if song_id not in self._songs.track_of:
            raise NotFound(f"no track of the library is the song {song_id[:40]} ({self.state})")
        return self._songs.track_of[song_id]


def navidrome_router(context: Context, server: Navidrome) -> APIRouter:
    """`/api/similar_tracks`, `/api/find_path`, `/api/similar_artists`, `/api/v1/navidrome`."""
    router = APIRouter(tags=["navidrome"])
    partners = Partners(context, server)
    libraries = context.libraries

    @router.get("/api/v1/navidrome")
    def state() -> Response:
        """How many songs of Navidrome have a track, and which have none."""
        songs = partners.songs
        unmatched = [{"id": s.id, "path": s.path, "title": s.title} for s in songs.unmatched]
        return json_reply(
            {
                "state": partners.state,
                "matched": len(songs.track_of),
                "unmatched": len(unmatched),
                "songs": unmatched[:MOST_LISTED],
            }
        )

    @router.post("/api/v1/navidrome/playlists")
    def send(playlist: SentPlaylist) -> Response:
        """Make a playlist in Navidrome; tracks that it does not have are counted as missing."""
        song_of = partners.songs.song_of
        songs = [song_of[track_id] for track_id in playlist.ids if track_id in song_of]
        if not songs:
            raise BadInput(f"Navidrome has none of these tracks ({partners.state})")
        create_playlist(server, playlist.name, [song.id for song in songs])
        return json_reply({"sent": len(songs), "missing": len(playlist.ids) - len(songs)})

    @router.get("/api/similar_tracks")
    def similar_tracks(
        item_id: SongId, n: Count = 10, eliminate_duplicates: bool = True
    ) -> Response:
        """Songs like a song; similarity is 1 less the distance."""
        track_id = partners.track_id(item_id)
        with libraries.reading() as library:
            request = SearchRequest(
                (str(track_id),), k=n * 2, with_duplicates=not eliminate_duplicates
            )
            near = library.search(request).neighbours
        songs = [_song(partners.songs, one.track, 1 - one.score) for one in near]
        return json_reply([song for song in songs if song is not None][:n])

    @router.get("/api/find_path")
    def find_path(
        start_song_id: SongId,
        end_song_id: SongId,
        max_steps: Annotated[int, Query(ge=2, le=MAX_PATH)] = 25,
    ) -> Response:
        """Songs that lead from one to another."""
        start, end = partners.track_id(start_song_id), partners.track_id(end_song_id)
        with libraries.reading() as library:
            request = PlaylistRequest((str(start),), to=str(end), length=max_steps)
            places = library.playlist(request).tracks
        path = [_song(partners.songs, place.track, place.step or 0.0) for place in places]
        songs = [song for song in path if song is not None]
        total = sum(float(song["distance"]) for song in songs)
        return json_reply({"path": songs, "total_distance": total})

    @router.get("/api/similar_artists")
    def similar_artists(
        artist: Annotated[str, Query(min_length=1, max_length=500)],
        n: Annotated[int, Query(ge=1, le=MAX_ARTISTS)] = 10,
        include_component_matches: bool = True,
    ) -> Response:
        """Artists whose songs sound like those of an artist."""
        with libraries.reading() as library:
            return json_reply(
                _artists(library, partners.songs, artist, n, include_component_matches)
            )

    return router


def _song(songs: SongMap, track: TrackRecord, distance: float) -> dict[str, Any] | None:
    """A track as the plugin reads it; None if Navidrome does not have it."""
    song = songs.song_of.get(track.id)
    if song is None:
        return None
    return {
        "item_id": song.id,
        "title": song.title,
        "author": song.artist,
        "album": song.album,
        "distance": round(min(max(distance, 0.0), 1.0), 4),
    }


def _artists(
    library: Library, songs: SongMap, artist: str, n: int, with_songs: bool
) -> list[dict[str, Any]]:
    folded = artist.casefold()
    own = [track for track in library.all_tracks() if track.artist.casefold() == folded]
    if not own:
        raise NotFound("no track of the library is by that artist")
    step = max(len(own) // MAX_SEEDS, 1)
    seeds = tuple(str(track.id) for track in own[::step][:MAX_SEEDS])
    near = library.search(SearchRequest(seeds, k=min(20 * n, 1000), per_artist=REPRESENTATIVES))
    by_artist: dict[str, list[TrackRecord]] = defaultdict(list)
    for neighbour in near.neighbours:
        if neighbour.track.artist and neighbour.track.artist.casefold() != folded:
            by_artist[neighbour.track.artist].append(neighbour.track)
    return [
        {
            "artist": name,
            "artist_id": name,
            "component_matches": [
                {
                    "artist1_representative_songs": _representatives(songs, own),
                    "artist2_representative_songs": _representatives(songs, tracks),
                }
            ]
            if with_songs
            else [],
        }
        for name, tracks in list(by_artist.items())[:n]
    ]


def _representatives(songs: SongMap, tracks: list[TrackRecord]) -> list[dict[str, str]]:
    known = [songs.song_of[track.id] for track in tracks if track.id in songs.song_of]
    return [{"item_id": song.id, "title": song.title} for song in known[:REPRESENTATIVES]]
