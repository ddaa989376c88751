"""Playlists: made from ids and rules, and saved as a file."""

import tempfile
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from embedder.errors import UsageError
from index.library import Library
from index.playlists.request import MAX_LENGTH, Arc, PlaylistRequest
from index.playlists.results import Playlist
from index.playlists.ways.arcs import number_in
from soundalike.server import kept_lists
from soundalike.server.context import Context
from soundalike.server.replies import json_reply
from soundalike.server.routes.tracks import MAX_ID, MAX_WHERE, library_track

MAX_SEEDS = 1000
MAX_NAME = 100
FLOW = {"energy": ("energy", "measured.energy"), "tempo": ("tempo", "bpm", "measured.tempo")}
"""What is drawn over a playlist, and the fields that may hold it; tags come first."""

Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Ids = Annotated[list[Id], Field(max_length=MAX_LENGTH)]
Count = Annotated[int | None, Field(ge=0, le=MAX_LENGTH)]


class PlaylistQuestion(BaseModel):
    """The rules of a playlist: the options of `soundalike playlist`, with ids for tracks."""

    model_config = ConfigDict(extra="forbid")

    seeds: Annotated[list[Id], Field(max_length=MAX_SEEDS)] = []
    length: Annotated[int | None, Field(ge=1, le=1000)] = None
    minutes: Annotated[float | None, Field(gt=0, le=10_000)] = None
    to: Id | None = None
    via: Annotated[list[Id], Field(max_length=20)] = []
    drift: Annotated[float | None, Field(ge=0, le=1)] = None
    where: Annotated[str, Field(max_length=MAX_WHERE)] = ""
    arc: Annotated[str | None, Field(max_length=100)] = None
    per_artist: Count = None
    per_album: Count = None
    spacing: Count = None
    allow_versions: bool = False
    exclude: Ids = []
    min_score: Annotated[float | None, Field(ge=0, le=1)] = None
    seed: Annotated[int | None, Field(ge=0, le=2**31)] = None
    kind: Literal["", "rediscover", "daily-mix"] = ""
    """A playlist that starts from the listener's events."""
    taste: Annotated[float, Field(ge=0, le=1)] = 0.0
    """How much the listener's events change the choice."""
    mix: bool = False
    """Order the tracks for mixing: by tempo, key and energy."""
    judged: Ids = []
    """A playlist to continue."""
    keep: Ids = []
    """Tracks of `judged` to keep: the playlist goes towards them."""
    drop: Ids = []
    """Tracks of `judged` to drop: the playlist goes away from them."""


class PlaylistFile(BaseModel):
    """A playlist to save."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_LENGTH)]
    format: Literal["m3u8", "xspf", "json"] = "m3u8"
    name: Annotated[str, Field(max_length=MAX_NAME)] = "playlist"


class KeptPlaylist(BaseModel):
    """A playlist to keep for players."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_LENGTH)]
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class Queue(BaseModel):
    """Tracks to queue."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]


def playlists_router(context: Context) -> APIRouter:
    """`/playlist`, and what is done with one: `/file`, `/keep`, `/mpd`."""
    router = APIRouter(tags=["playlists"])
    libraries = context.libraries

    @router.post("/playlist")
    def playlist(question: PlaylistQuestion) -> Response:
        """A playlist: the document of `soundalike playlist --json`, and `flow`.

        `flow` has the energy and the tempo of each track; null if it is not known.
        """
        with libraries.reading() as library, tempfile.TemporaryDirectory() as folder:
            request = _request(library, question, Path(folder))
            answer = library.playlist(request)
            flow = {name: _flow(library, answer, fields) for name, fields in FLOW.items()}
        return json_reply(answer.to_json() | {"flow": flow})

    @router.post("/playlist/file")
    def playlist_file(wanted: PlaylistFile) -> Response:
        """Tracks as a playlist file to keep."""
        from index.playlists.files.files import format_playlist

        with libraries.reading() as library:
            tracks = [library_track(library, track_id) for track_id in wanted.ids]
        document = {"tracks": [track.to_json() for track in tracks]}
        data = format_playlist(f".{wanted.format}", tracks, document=document)
        name = quote(f"{wanted.name.strip() or 'playlist'}.{wanted.format}", safe="")
        headers = {"content-disposition": f"attachment; filename*=utf-8''{name}"}
        return Response(data, HTTPStatus.OK, headers=headers, media_type="application/octet-stream")

    @router.post("/playlist/keep")
    def keep(wanted: KeptPlaylist) -> Response:
        """Keep a playlist for players that log in to this server."""
        with libraries.reading() as library:
            for track_id in wanted.ids:
                library_track(library, track_id)
            return json_reply(kept_lists.keep(library.folder, wanted.name, wanted.ids))

    @router.post("/playlist/mpd")
    def mpd(wanted: Queue) -> Response:
        """Queue tracks on the MPD of this machine, or at MPD_HOST."""
        from index.playlists.mpd.addresses import usual_address
        from index.playlists.mpd.queueing import queue_on_mpd

        with libraries.reading() as library:
            tracks = [library_track(library, track_id) for track_id in wanted.ids]
        return json_reply(queue_on_mpd(tracks, usual_address()))

    return router


def _request(library: Library, question: PlaylistQuestion, folder: Path) -> PlaylistRequest:
    judged: Path | None = None
    if question.judged:
        from index.playlists.files.files import write_playlist

        judged = folder / "judged.json"
        tracks = [library_track(library, track_id) for track_id in question.judged]
        document = {"tracks": [track.to_json() for track in tracks]}
        write_playlist(judged, tracks, document=document)
    return PlaylistRequest(
        seeds=tuple(map(str, question.seeds)),
        length=question.length,
        minutes=question.minutes,
        to=None if question.to is None else str(question.to),
        via=tuple(map(str, question.via)),
        drift=question.drift,
        where=question.where,
        arc=None if question.arc is None else Arc.parse(question.arc),
        per_artist=question.per_artist,
        per_album=question.per_album,
        spacing=question.spacing,
        allow_versions=question.allow_versions,
        exclude=tuple(map(str, question.exclude)),
        min_score=question.min_score,
        seed=question.seed,
        kind=question.kind,
        taste=question.taste,
        mix=question.mix,
        judged=judged,
        keep=_places(question.keep, question.judged, "keep"),
        drop=_places(question.drop, question.judged, "drop"),
    )


def _flow(library: Library, playlist: Playlist, fields: Sequence[str]) -> list[float | None]:
    """The first of some fields that is a number above 0, of each track."""
    values: list[float | None] = []
    for place in playlist.tracks:
        of_track = library.catalogue.fields_of(place.track.id)
        numbers = [number_in(of_track[name]) for name in fields if name in of_track]
        values.append(next((number for number in numbers if number), None))
    return values


def _places(ids: Sequence[int], judged: Sequence[int], name: str) -> tuple[int, ...]:
    """Places in the judged playlist, from 1."""
    missing = [track_id for track_id in ids if track_id not in judged]
    if missing:
        raise UsageError(f"{name}: {missing[0]} is not in the list judged")
    return tuple(judged.index(track_id) + 1 for track_id in ids)
