"""The listener's events: what the page records, shows, exports and deletes."""

import time
from contextlib import suppress
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from embedder.errors import LibraryBusy, UsageError
from index.catalogue.event_rows import EventKind
from index.library import Library
from index.taste.request import LATEST, EventRequest
from soundalike.server.context import Context
from soundalike.server.replies import json_reply, read_reply
from soundalike.server.routes.tracks import MAX_ID, library_track

SOURCE = "page"
MAX_EVENTS = 1000
EXPORT_NAME = "taste.json"

Id = Annotated[int, Field(ge=1, le=MAX_ID)]


class NewEvent(BaseModel):
    """Something that the listener did with a track."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"id": 12, "kind": "play"}]}
    )

    id: Id
    kind: EventKind
    happened: Annotated[float | None, Field(ge=0, le=LATEST)] = None
    """Seconds since 1970 (UTC); None: now."""


class NewEvents(BaseModel):
    """Events to store."""

    model_config = ConfigDict(extra="forbid")

    events: Annotated[list[NewEvent], Field(min_length=1, max_length=MAX_EVENTS)]


class Verdict(BaseModel):
    """What the listener thinks of a track; null takes a like or dislike back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"verdict": "like"}]})

    verdict: Literal["like", "dislike"] | None


def taste_router(context: Context) -> APIRouter:
    """`/taste`, `/taste/events`, `/taste/verdicts`, `/taste/verdicts/{id}` and `/taste/export`."""
    router = APIRouter(tags=["taste"])
    libraries = context.libraries

    @router.get("/taste")
    def taste(
        request: Request, limit: Annotated[int, Query(ge=0, le=MAX_EVENTS)] = 100
    ) -> Response:
        """The latest events and what they say: the document of `soundalike taste show --json`."""
        return read_reply(request, libraries, lambda library: library.taste.report(limit=limit))

    @router.get("/taste/verdicts")
    def verdicts(request: Request) -> Response:
        """The ids of the tracks that are liked, and of those that are disliked."""
        return read_reply(request, libraries, _verdicts)

    @router.put("/taste/verdicts/{track_id}")
    def judge(track_id: int, judgement: Verdict) -> Response:
        """Like or dislike a track, or take that back."""
        with libraries.reading() as library:
            library_track(library, track_id)
        with libraries.writing() as library:
            is_stored = _judge(library, track_id, judgement.verdict)
        return json_reply({"id": track_id, "verdict": judgement.verdict, "stored": is_stored})

    @router.post("/taste/events")
    def record(new: NewEvents) -> Response:
        """Store plays, skips, likes and dislikes; they wait while another process is writing."""
        with libraries.reading() as library:
            for track_id in {event.id for event in new.events}:
                library_track(library, track_id)
        events = [
            EventRequest(event.id, event.kind, event.happened, SOURCE) for event in new.events
        ]
        with libraries.writing() as library:
            is_stored = library.taste.record_soon(events)
        return json_reply({"events": len(events), "stored": is_stored})

    @router.delete("/taste/events")
    def forget(
        id: Annotated[list[int], Query(max_length=MAX_EVENTS)] = [],
        kind: EventKind | None = None,
        everything: Annotated[bool, Query(description="Delete the events of all tracks.")] = False,
    ) -> Response:
        """Delete the events of some tracks, or with `everything` those of all; or one kind."""
        if bool(id) == everything:
            raise UsageError("name tracks with id, or give everything=true")
        if any(not 1 <= track_id <= MAX_ID for track_id in id):
            raise UsageError("id: give ids of tracks")
        with libraries.writing() as library:
            n_deleted = library.taste.forget(id or None, kind=kind)
        return json_reply({"deleted": n_deleted})

    @router.get("/taste/export")
    def export(request: Request) -> Response:
        """All events as a file that `soundalike taste import` reads."""
        reply = read_reply(request, libraries, lambda library: library.taste.document())
        reply.headers["content-disposition"] = f'attachment; filename="{EXPORT_NAME}"'
        return reply

    return router


def _verdicts(library: Library) -> dict[str, list[int]]:
    events = library.catalogue.events
    likes, dislikes = events.last_times("like"), events.last_times("dislike")
    return {
        "likes": [i for i, happened in likes.items() if happened >= dislikes.get(i, 0)],
        "dislikes": [i for i, happened in dislikes.items() if happened > likes.get(i, 0)],
    }


def _judge(library: Library, track_id: int, verdict: Literal["like", "dislike"] | None) -> bool:
    """Store a judgement in place of the opposite one; returns False if it has to wait."""
    if verdict is None:
        for kind in ("like", "dislike"):
            library.taste.forget([track_id], kind=kind)
        return True
    opposite: EventKind = "dislike" if verdict == "like" else "like"
    with suppress(LibraryBusy):  # of both, the last one counts
        library.taste.forget([track_id], kind=opposite)
    return library.taste.record_soon([EventRequest(track_id, verdict, time.time(), SOURCE)])
