"""The library as a whole: its facts, its fields, and files that could not be used."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from index.library import Library
from soundalike.server.context import Context
from soundalike.server.replies import read_reply
from soundalike.server.routes.tracks import MAX_LIMIT

MAX_VALUES = 500


def overview_router(context: Context) -> APIRouter:
    """`/library`, `/library/report`, `/library/failures` and `/library/fields/{field}`."""
    router = APIRouter(tags=["library"])
    libraries = context.libraries

    @router.get("/library")
    def library(request: Request) -> Response:
        """The library at a glance, with its fields."""
        return read_reply(request, libraries, _glance, with_vectors=False)

    @router.get("/library/report")
    def report(request: Request) -> Response:
        """The library at length: the document of `soundalike library info --json`."""
        return read_reply(request, libraries, lambda library: library.report())

    @router.get("/library/failures")
    def failures(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    ) -> Response:
        """Files that could not be used, and why."""
        return read_reply(request, libraries, lambda library: _failures(library, limit, offset))

    @router.get("/library/fields/{name}")
    def values(request: Request, name: str) -> Response:
        """The values that a field has, for a filter to choose from."""
        return read_reply(
            request,
            libraries,
            lambda library: {
                "field": name,
                "values": sorted(library.catalogue.values_of(name), key=str.casefold)[:MAX_VALUES],
            },
        )

    return router


def _glance(library: Library) -> dict[str, object]:
    counts = library.catalogue.counts()
    model = library.catalogue.current_model()
    return {
        "tracks": counts["tracks"],
        "gone": counts["gone"],
        "duplicates": counts["duplicates"],
        "failures": counts["failures"],
        "fields": library.catalogue.fields(),
        "fingerprint": None if model is None else model.fingerprint,
        "models": [
            {"name": name, "tracks": n} for name, n in library.catalogue.vectors.counts().items()
        ],
    }


def _failures(library: Library, limit: int, offset: int) -> dict[str, object]:
    failures = library.failures()
    page = failures[offset : offset + limit]
    return {"failures": [failure.to_json() for failure in page], "total": len(failures)}
