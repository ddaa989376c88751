"""`/api/mix`, `/api/list` and `/api/ready`: answers are lines of text, a track on each."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from embedder.errors import UsageError
from index.catalogue.records import TrackRecord
from index.library import Library
from soundalike.server.context import Context
from soundalike.server.lyrion.announcing import check_address
from soundalike.server.lyrion.mixing import listed, mixed
from soundalike.server.lyrion.names import Names
from soundalike.server.lyrion.requests import ListQuestion, MixQuestion


@dataclass(frozen=True, slots=True)
class Lyrion:
    """A Lyrion whose plugin asks this server."""

    folders: tuple[Path, ...]
    """Its music folders, as this machine sees them."""
    server: str = ""
    """HOST:PORT, to tell it this server's port; empty: the port is set there."""

    def __post_init__(self) -> None:
        if not self.folders:
            raise UsageError("--lms needs the music folder of Lyrion: give --lyrion DIR as well")
        if self.server:
            check_address(self.server)


def lyrion_router(context: Context, lyrion: Lyrion) -> APIRouter:
    """The routes of the plugin Bliss Mixer."""
    router = APIRouter(tags=["lyrion"], default_response_class=PlainTextResponse)
    names = Names(lyrion.folders)
    libraries = context.libraries
    chance = random.Random()  # noqa: S311 - to shuffle music

    @router.get("/api/ready")
    def ready() -> Response:
        """Whether mixes can be asked for: always 1."""
        return PlainTextResponse("1")

    @router.post("/api/mix")
    def mix(question: MixQuestion) -> Response:
        """Tracks that sound like some tracks of the queue, for "Don't stop the music"."""
        with libraries.reading() as library:
            seeds = names.tracks(library, question.tracks)
            previous = names.tracks(library, question.previous)
            has_name = names.has_name_in(library)
            tracks = mixed(library, seeds, previous, question, may_come=has_name, chance=chance)
            return _lines(names, library, tracks)

    @router.post("/api/list")
    def similar(question: ListQuestion) -> Response:
        """The tracks nearest to one, of its artist alone if that is asked."""
        with libraries.reading() as library:
            seeds = names.tracks(library, [question.track])
            if not seeds:
                return PlainTextResponse("")
            has_name = names.has_name_in(library)
            tracks = listed(library, seeds[0], question, may_come=has_name)
            return _lines(names, library, tracks)

    return router


def _lines(names: Names, library: Library, tracks: Sequence[TrackRecord]) -> Response:
    lines = [names.name_of(library, track) for track in tracks]
    return PlainTextResponse("".join(f"{line}\n" for line in lines if line is not None))
