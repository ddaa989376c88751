"""`/rest/NAME` and `/rest/NAME.view`, by GET or as a posted form."""

import logging
import threading
from collections.abc import Callable
from urllib.parse import parse_qs

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import Response

from embedder.errors import NotFound, SoundalikeError
from soundalike.server.context import Context
from soundalike.server.failures import BUG, text_of
from soundalike.server.libraries import Mark
from soundalike.server.rest import browsing, files, kept_lists, similar, taste
from soundalike.server.rest.login import Logins
from soundalike.server.rest.replies import (
    GENERIC,
    NOT_FOUND,
    SubsonicError,
    Value,
    failure,
    reply,
)
from soundalike.server.rest.shelf import Shelf, shelf_of
from soundalike.server.rest.transcoding import Transcoders
from soundalike.server.rest.visit import Visit

logger = logging.getLogger(__name__)

MAX_FIELDS = 20_000
EXTENSIONS: list[dict[str, Value]] = [
    {"name": "apiKeyAuthentication", "versions": [1]},
    {"name": "formPost", "versions": [1]},
    {"name": "sonicSimilarity", "versions": [1]},
    {"name": "transcodeOffset", "versions": [1]},
]
Payload = dict[str, Value]
HANDLERS: dict[str, Callable[[Visit], Payload]] = {
    "ping": lambda _visit: {},
    "getLicense": browsing.get_license,
    "getMusicFolders": browsing.get_music_folders,
    "getIndexes": browsing.get_indexes,
    "getArtists": browsing.get_artists,
    "getArtist": browsing.get_artist,
    "getAlbum": browsing.get_album,
    "getSong": browsing.get_song,
    "getGenres": browsing.get_genres,
    "getAlbumList2": browsing.get_album_list,
    "getRandomSongs": browsing.get_random_songs,
    "search3": browsing.search,
    "getSimilarSongs": similar.get_similar_songs,
    "getSimilarSongs2": similar.get_similar_songs2,
    "getSonicSimilarTracks": similar.get_sonic_similar_tracks,
    "findSonicPath": similar.find_sonic_path,
    "scrobble": taste.scrobble,
    "star": taste.star,
    "unstar": taste.unstar,
    "getStarred2": taste.get_starred,
    "getPlaylists": kept_lists.get_playlists,
    "getPlaylist": kept_lists.get_playlist,
    "createPlaylist": kept_lists.create_playlist,
    "updatePlaylist": kept_lists.update_playlist,
    "deletePlaylist": kept_lists.delete_playlist,
}
FILES: dict[str, Callable[[Visit], Response]] = {
    "stream": files.stream,
    "download": files.download,
    "getCoverArt": files.get_cover_art,
}


class Shelves:
    """The shelf of the library as it is now, made once for each state."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[Mark, Shelf] | None = None

    def current(self, mark: Mark, make: Callable[[], Shelf]) -> Shelf:
        """The shelf for a state; `make` makes it if the state is another one than before."""
        with self._lock:
            if self._kept is None or self._kept[0] != mark:
                self._kept = (mark, make())
            return self._kept[1]


def rest_router(context: Context) -> APIRouter:
    """The routes of Subsonic players."""
    router = APIRouter(include_in_schema=False)
    settings = context.settings
    logins = Logins(user=settings.player_user, password=settings.player_password)
    shelves = Shelves()
    transcoders = Transcoders()

    @router.get("/rest/{name}")
    @router.head("/rest/{name}")
    @router.post("/rest/{name}")
    async def rest(name: str, request: Request) -> Response:
        body = await request.body() if request.method == "POST" else b""
        parameters = parse_qs(
            "&".join(filter(None, (request.url.query, body.decode("utf-8", "replace")))),
            keep_blank_values=True,
            max_num_fields=MAX_FIELDS,
        )
        return await to_thread.run_sync(_answer, name.removesuffix(".view"), parameters)

    def _answer(name: str, parameters: dict[str, list[str]]) -> Response:
        firsts = {key: values[0] for key, values in parameters.items()}
        form, callback = firsts.get("f", "xml"), firsts.get("callback", "")
        try:
            answer = _payload(name, firsts, parameters)
        except SubsonicError as error:
            return failure(error, form=form, callback=callback)
        except SoundalikeError as error:
            code = NOT_FOUND if isinstance(error, NotFound) else GENERIC
            return failure(SubsonicError(code, text_of(error)), form=form, callback=callback)
        except Exception:
            logger.exception("a request of a player failed")
            return failure(SubsonicError(GENERIC, BUG), form=form, callback=callback)
        if isinstance(answer, Response):
            return answer
        return reply(answer, form=form, callback=callback)

    def _payload(
        name: str, firsts: dict[str, str], parameters: dict[str, list[str]]
    ) -> Payload | Response:
        if name == "getOpenSubsonicExtensions":
            return {"openSubsonicExtensions": EXTENSIONS}
        logins.check(firsts)
        handler = HANDLERS.get(name) or FILES.get(name)
        if handler is None:
            raise SubsonicError(NOT_FOUND, "this server does not answer that")
        with context.libraries.reading() as library:
            shelf = shelves.current(context.libraries.mark, lambda: shelf_of(library))
            to_write = context.libraries.to_write
            return handler(Visit(library, shelf, parameters, to_write, transcoders))

    return router
