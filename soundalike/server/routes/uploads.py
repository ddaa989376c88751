"""A sound that is not in the library: what is like it? The file is deleted after the answer.

The body is the file itself. Its name, in `name`, only tells the format. It is decoded in a process
of its own, within limits of time and memory.
"""

import asyncio
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from embedder.audio.suffixes import AUDIO_SUFFIXES
from embedder.errors import BadInput, LibraryBusy
from index.search.request import SearchRequest
from soundalike.server.context import Context
from soundalike.server.gate import MAX_UPLOAD_BYTES, BodyTooLarge
from soundalike.server.replies import json_reply
from soundalike.server.routes.questions import K
from soundalike.server.routes.tracks import Where

MAX_UPLOADS = 2
UPLOAD_SECONDS = 120.0


def uploads_router(context: Context) -> APIRouter:
    """`/uploads/similar`."""
    router = APIRouter(tags=["questions"])
    slots = asyncio.Semaphore(MAX_UPLOADS)

    @router.post("/uploads/similar")
    async def similar(
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=255)],
        k: K = 10,
        where: Where = "",
    ) -> Response:
        """The tracks nearest to a file that is sent: the document of `soundalike query --json`."""
        suffix = Path(name).suffix.lower()
        if suffix.lstrip(".") not in AUDIO_SUFFIXES:
            raise BadInput("name: give the name of an audio file, such as song.mp3")
        if slots.locked():
            raise LibraryBusy("other files are being listened to. Try again.")
        async with slots:
            with tempfile.TemporaryDirectory(prefix="soundalike-") as folder:
                path = Path(folder) / f"upload{suffix}"
                async with asyncio.timeout(UPLOAD_SECONDS):
                    await _save(request, path)
                return await asyncio.to_thread(_answer, context, path, name, k=k, where=where)

    return router


async def _save(request: Request, path: Path) -> None:
    n_bytes = 0
    with path.open("wb") as file:
        async for chunk in request.stream():
            n_bytes += len(chunk)
            if n_bytes > MAX_UPLOAD_BYTES:
                raise BodyTooLarge
            file.write(chunk)
    if not n_bytes:
        raise BadInput("the file is empty")


def _answer(context: Context, path: Path, name: str, *, k: int, where: str) -> Response:
    with context.libraries.reading() as library:
        result = library.search(SearchRequest((str(path),), k=k, where=where))
    document = result.to_json()
    for query in document["query"]:
        if query["path"] == str(path):
            query["path"] = Path(name).name
            query["title"] = query["title"] or Path(name).stem
    return json_reply(document, status=HTTPStatus.OK)
