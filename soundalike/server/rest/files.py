"""The bytes that players ask for: songs and covers."""

from pathlib import Path

from starlette.responses import FileResponse, Response

from embedder.audio.cover import read_cover
from embedder.errors import NotFound
from soundalike.server.media import audio_path, media_type
from soundalike.server.rest.replies import NOT_FOUND, SubsonicError
from soundalike.server.rest.visit import Visit

MAX_TRIED = 5


def stream(visit: Visit) -> Response:
    """The file of a song as it is; a wish for another format or bit rate is not granted."""
    path = _path(visit, visit.text("id"))
    return FileResponse(path, media_type=media_type(path))


def get_cover_art(visit: Visit) -> Response:
    """The picture in a song's file, or in one of the first songs of an album."""
    name = visit.text("id")
    if name.startswith("al-"):
        songs = [f"tr-{track.id}" for track in visit.album(name).tracks[:MAX_TRIED]]
    else:
        songs = [name]
    for song in songs:
        cover = read_cover(_path(visit, song))
        if cover is not None:
            headers = {"cache-control": "private, max-age=86400"}
            return Response(cover.data, media_type=cover.media_type, headers=headers)
    raise SubsonicError(NOT_FOUND, "no cover")


def _path(visit: Visit, song_id: str) -> Path:
    try:
        return audio_path(visit.library, visit.track(song_id))
    except NotFound as error:
        raise SubsonicError(NOT_FOUND, str(error)) from error
