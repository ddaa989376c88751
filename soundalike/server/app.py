"""The server: routes behind the gate, and errors as answers.

gate ─▶ page | /static | /api/v1/… ─▶ a library from the pool ─▶ JSON
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from embedder.errors import SoundalikeError
from soundalike.server.context import Context
from soundalike.server.failures import BUG, status_of, text_of
from soundalike.server.gate import Gate
from soundalike.server.jobs.jobs import Jobs
from soundalike.server.libraries import Libraries
from soundalike.server.replies import json_reply
from soundalike.server.rest.router import rest_router
from soundalike.server.routes.health import health_router
from soundalike.server.routes.jobs import jobs_router
from soundalike.server.routes.overview import overview_router
from soundalike.server.routes.page import PAGE, page_router
from soundalike.server.routes.playlists import playlists_router
from soundalike.server.routes.questions import questions_router
from soundalike.server.routes.taste import taste_router
from soundalike.server.routes.tracks import tracks_router
from soundalike.server.routes.uploads import uploads_router
from soundalike.server.settings import ServerSettings

if TYPE_CHECKING:
    from soundalike.server.lyrion.router import Lyrion
    from soundalike.server.navidrome.crawl import Navidrome

API = "/api/v1"
ROUTERS: tuple[Callable[[Context], APIRouter], ...] = (
    tracks_router,
    questions_router,
    playlists_router,
    overview_router,
    health_router,
    jobs_router,
    uploads_router,
    taste_router,
)

ANSWERED = (
    SoundalikeError,
    TimeoutError,
    RequestValidationError,
    HTTPException,
    Exception,
)

logger = logging.getLogger(__name__)


def create_app(
    settings: ServerSettings,
    *,
    navidrome: "Navidrome | None" = None,
    lyrion: "Lyrion | None" = None,
) -> FastAPI:
    """The server as an ASGI application; raises NotFound if there is no library."""
    libraries = Libraries(settings.library)
    context = Context(settings, libraries, Jobs(on_end=libraries.note_change))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        context.jobs.close()
        context.libraries.close()

    app = FastAPI(
        title="soundalike",
        version="1",
        description="Find songs like a song. Everything that the command line answers, as JSON.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # the usual page loads its scripts from another host
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for router in ROUTERS:
        app.include_router(router(context), prefix=API)
    app.include_router(page_router(context, has_navidrome=navidrome is not None))
    app.include_router(rest_router(context))
    if navidrome is not None:
        from soundalike.server.navidrome.router import navidrome_router

        app.include_router(navidrome_router(context, navidrome))
    if lyrion is not None:
        from soundalike.server.lyrion.router import lyrion_router

        app.include_router(lyrion_router(context, lyrion))
    app.mount("/static", StaticFiles(directory=PAGE), name="static")
    app.state.context = context
    for kind in ANSWERED:
        app.add_exception_handler(kind, _answer)
    app.add_middleware(Gate, settings=settings)
    return app


def _answer(_request: Request, error: Exception) -> Response:
    """An error as a status and one sentence."""
    match error:
        case SoundalikeError():
            return _error(text_of(error), status_of(error))
        case TimeoutError():
            return _error("the file took too long to arrive", HTTPStatus.REQUEST_TIMEOUT)
        case RequestValidationError():
            return _error(_what_is_invalid(error), HTTPStatus.UNPROCESSABLE_ENTITY)
        case HTTPException():
            reply = _error(HTTPStatus(error.status_code).phrase.lower(), error.status_code)
            reply.headers.update(error.headers or {})
            return reply
    logger.error("a request failed", exc_info=error)
    return _error(BUG, HTTPStatus.INTERNAL_SERVER_ERROR)


def _error(reason: str, status: int) -> Response:
    return json_reply({"error": reason}, status=status)


def _what_is_invalid(error: RequestValidationError) -> str:
    """The first value that does not fit, in one sentence."""
    first = error.errors()[0]
    places = [str(part) for part in first["loc"] if part not in ("query", "path", "body")]
    name = ".".join(places) or "the request"
    return f"{name}: {first['msg'][:1].lower()}{first['msg'][1:]}"
