"""Answers in JSON, as the command line prints it, with an ETag that changes with the library."""

import hashlib
from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from index.library import Library
from soundalike.documents import dump
from soundalike.server.libraries import Libraries, Mark


def json_reply(document: object, *, status: int = HTTPStatus.OK) -> Response:
    """A document as JSON."""
    body = dump(document).encode()
    return Response(body, status_code=status, media_type="application/json")


def read_reply(
    request: Request,
    libraries: Libraries,
    answer: Callable[[Library], object],
    *,
    with_vectors: bool = True,
) -> Response:
    """What `answer` reads from the library; 304 if the client has it already.

    The ETag is of the library's state and the address, so that it is known before any work. A
    reader may be older than the catalogue: its answer has the ETag of its own state. What is
    answered without vectors need not wait for FAISS when the server has just started.
    """
    etag = _etag(request, libraries, libraries.mark)
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"etag": etag})
    with libraries.reading_at(with_vectors=with_vectors) as (library, mark):
        document = answer(library)
    reply = json_reply(document)
    reply.headers["etag"] = _etag(request, libraries, mark)
    reply.headers["cache-control"] = "private, no-cache"
    return reply


def _etag(request: Request, libraries: Libraries, mark: Mark) -> str:
    state = f"{libraries.started}{mark}{request.url.path}?{request.url.query}"
    return f'W/"{hashlib.sha256(state.encode()).hexdigest()[:24]}"'
