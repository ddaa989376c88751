"""Tracks of the library: lists by words and filters, one track, and its audio file."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse, Response

from embedder.errors import NotFound, UsageError
from index.catalogue.records import TrackRecord
from index.library import Library
from index.library_folder.finding.results import TrackList
from soundalike.server.context import Context
from soundalike.server.media import audio_path, media_type
from soundalike.server.replies import read_reply

CURSOR = "from-"
MAX_ID = 2**63 - 1
MAX_LIMIT = 1000
MAX_NAMED = 1000
MAX_OFFSET = 10**9
MAX_WORDS = 500
MAX_WHERE = 4000

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many tracks a page has.")]
Where = Annotated[
    str, Query(max_length=MAX_WHERE, description="A filter, such as `genre=jazz and year>=1970`.")
]
Words = Annotated[
    str, Query(max_length=MAX_WORDS, description="Words of title, artist, album or path.")
]
Cursor = Annotated[
    str, Query(max_length=32, description="`next_cursor` of the page before; empty: the first.")
]


def tracks_router(context: Context) -> APIRouter:
    """`/tracks`, `/tracks/{id}`, `/tracks/{id}/audio` and `/search`."""
    router = APIRouter(tags=["tracks"])
    libraries = context.libraries

    @router.get("/tracks")
    def tracks(
        request: Request,
        where: Where = "",
        sort: Annotated[str, Query(max_length=100, description="A field; empty: by id.")] = "",
        descending: bool = False,
        limit: Limit = 100,
        cursor: Cursor = "",
        id: Annotated[
            list[int], Query(max_length=MAX_NAMED, description="Only these tracks, in this order.")
        ] = [],
    ) -> Response:
        """The tracks, a page at a time; or those with some ids, which leaves out unknown ids."""
        if id:
            return read_reply(
                request, libraries, lambda library: _named(library, id), with_vectors=False
            )
        offset = _offset_of(cursor)
        return read_reply(
            request,
            libraries,
            lambda library: _page(
                library.list(
                    where=where,
                    sort=sort or None,
                    descending=descending,
                    limit=limit,
                    offset=offset,
                ),
                offset,
            ),
            with_vectors=False,
        )

    @router.get("/search")
    def search(
        request: Request, q: Words, where: Where = "", limit: Limit = 100, cursor: Cursor = ""
    ) -> Response:
        """The tracks that have all words, the best match first."""
        offset = _offset_of(cursor)
        return read_reply(
            request,
            libraries,
            lambda library: _page(library.list(q, where=where, limit=limit, offset=offset), offset),
            with_vectors=False,
        )

    @router.get("/tracks/{track_id}")
    def track(request: Request, track_id: int) -> Response:
        """One track, with every tag and measured value."""
        return read_reply(
            request, libraries, lambda library: _whole(library, track_id), with_vectors=False
        )

    @router.head("/tracks/{track_id}/audio", include_in_schema=False)
    @router.get("/tracks/{track_id}/audio")
    def audio(track_id: int) -> Response:
        """The audio file of a track; ranges of bytes are answered."""
        with libraries.reading() as library:
            path = audio_path(library, library_track(library, track_id))
        reply = FileResponse(path, media_type=media_type(path))
        reply.headers["cache-control"] = "private, max-age=0"
        return reply

    return router


def library_track(library: Library, track_id: int) -> TrackRecord:
    """The track with an id; raises NotFound without naming others."""
    records = library.tracks([track_id]) if 0 < track_id <= MAX_ID else []
    if not records:
        raise NotFound(f"no track has the id {track_id}")
    return records[0]


def _whole(library: Library, track_id: int) -> dict[str, object]:
    record = library_track(library, track_id)
    return record.to_json() | {"fields": library.catalogue.fields_of(track_id)}


def _named(library: Library, ids: list[int]) -> dict[str, object]:
    possible = dict.fromkeys(track_id for track_id in ids if 0 < track_id <= MAX_ID)
    by_id = {track.id: track for track in library.tracks(list(possible))}
    tracks = [by_id[track_id].to_json() for track_id in possible if track_id in by_id]
    return {"tracks": tracks, "total": len(tracks), "next_cursor": None, "notes": []}


def _page(tracks: TrackList, offset: int) -> dict[str, object]:
    """A page as JSON, with the cursor of the next one."""
    end = offset + len(tracks)
    next_cursor = f"{CURSOR}{end}" if len(tracks) and end < tracks.total else None
    return tracks.to_json() | {"next_cursor": next_cursor, "notes": list(tracks.notes)}


def _offset_of(cursor: str) -> int:
    if not cursor:
        return 0
    number = cursor.removeprefix(CURSOR)
    if not (cursor.startswith(CURSOR) and number.isascii() and number.isdigit()):
        raise UsageError("cursor: give next_cursor of the page before, or leave it out")
    return min(int(number), MAX_OFFSET)
