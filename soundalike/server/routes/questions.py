"""What is asked of the sound: similar tracks, labels, reasons, the map."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from embedder.errors import NotFound
from index.labels.request import LabelRequest, VoteSettings
from index.library import Library
from index.search.request import SearchRequest
from soundalike.server.context import Context
from soundalike.server.jobs.tasks import MapTask
from soundalike.server.replies import json_reply, read_reply
from soundalike.server.routes.tracks import MAX_ID, Where, library_track

MAX_TRACKS = 100
MAX_NEIGHBOURS = 1000
MAX_TEXT = 500

TrackId = Annotated[int, Query(ge=1, le=MAX_ID, description="The id of a track.")]
TrackIds = Annotated[
    list[int], Query(alias="id", max_length=MAX_TRACKS, description="Ids of tracks.")
]
Share = Annotated[float | None, Query(ge=0, le=1)]
Taste = Annotated[
    float, Query(ge=0, le=1, description="How much the listener's events change the order.")
]
Limit = Annotated[int | None, Query(ge=1, le=MAX_NEIGHBOURS)]
K = Annotated[int, Query(ge=1, le=MAX_NEIGHBOURS, description="How many neighbours.")]


def questions_router(context: Context) -> APIRouter:
    """`/similar`, `/explain`, `/label` and `/map`."""
    router = APIRouter(tags=["questions"])
    libraries = context.libraries

    @router.get("/similar")
    def similar(
        request: Request,
        id: TrackIds = [],
        minus: Annotated[list[int], Query(max_length=MAX_TRACKS)] = [],
        k: K = 10,
        min_score: Share = None,
        where: Where = "",
        per_artist: Limit = None,
        per_album: Limit = None,
        no_duplicates: bool = False,
        explain: bool = False,
        taste: Taste = 0.0,
        text: Annotated[str, Query(max_length=MAX_TEXT)] = "",
    ) -> Response:
        """The tracks nearest to some: the document of `soundalike query --json`, and `notes`.

        No file is read. Ask `/explain` for matching stretches anywhere in two tracks.
        """
        question = SearchRequest(
            _as_texts(id),
            minus=_as_texts(minus),
            k=k,
            min_score=min_score,
            where=where,
            per_artist=per_artist,
            per_album=per_album,
            with_duplicates=not no_duplicates,
            explain=explain,
            taste=taste,
            text=text,
        )
        return read_reply(request, libraries, lambda library: _similar(library, question))

    @router.get("/explain")
    def explain(request: Request, id: TrackId, to: TrackId) -> Response:
        """Why two tracks are alike: the second as a neighbour of the first, with its reasons.

        Both files may be read, which takes about a second.
        """
        return read_reply(request, libraries, lambda library: _explained(library, id, to))

    @router.get("/label")
    def label(
        request: Request,
        id: TrackIds,
        field: Annotated[str, Query(max_length=100)] = "genre",
        k: K = 20,
        abstain: Annotated[float, Query(ge=0, le=1)] = 0.0,
        include_artist: bool = False,
        class_balanced: bool = False,
    ) -> Response:
        """The neighbours' vote: the document of `soundalike label --json`."""
        settings = VoteSettings(
            field,
            k=k,
            abstain=abstain,
            include_artist=include_artist,
            class_balanced=class_balanced,
        )
        question = LabelRequest(_as_texts(id), settings)
        return read_reply(request, libraries, lambda library: library.label(question))

    @router.get("/map")
    def map_(
        request: Request,
        colour: Annotated[str, Query(max_length=100)] = "",
        dimensions: Literal[2, 3] = 2,
    ) -> Response:
        """Where every track lies, in columns; 202 with a job while there is no map yet."""
        from index.map.saved import read_layout

        with libraries.reading() as library:
            layout = read_layout(
                library.folder, dimensions=dimensions, fingerprint=library.model.fingerprint
            )
        if layout is None:
            job = context.jobs.start(MapTask(context.settings.library, dimensions))
            return json_reply({"job": job.to_json()}, status=202)
        return read_reply(
            request, libraries, lambda library: _map(library, colour or None, dimensions)
        )

    return router


def _as_texts(ids: list[int]) -> tuple[str, ...]:
    """Ids as requests name tracks; never paths."""
    for track_id in ids:
        if not 1 <= track_id <= MAX_ID:
            raise NotFound(f"no track has the id {track_id}")
    return tuple(str(track_id) for track_id in ids)


def _similar(library: Library, question: SearchRequest) -> dict[str, object]:
    result = library.search(question)
    return result.to_json() | {"notes": list(result.notes)}


def _explained(library: Library, track_id: int, other_id: int) -> object:
    library_track(library, track_id)
    library_track(library, other_id)
    where = f"id={other_id}"
    question = SearchRequest((str(track_id),), k=1, where=where, explain=True, listen=True)
    return library.search(question)


def _map(library: Library, colour: str | None, dimensions: int) -> dict[str, object]:
    from index.map.fields import chosen_field, map_field
    from index.map.request import MapRequest

    drawn = library.map(MapRequest(dimensions))
    field = map_field(library, drawn, chosen_field(library, colour))
    return {
        "ids": [track.id for track in drawn.tracks],
        "coordinates": drawn.coordinates.round(4),
        "preservation": drawn.preservation.round(2),
        "colour": {
            "field": field.name,
            "title": field.title,
            "labels": field.labels,
            "codes": field.codes,
            "swatches": field.swatches,
            "is_ordered": field.is_ordered,
        },
        "method": drawn.method,
        "placed": drawn.n_placed,
    }
