"""Jobs: indexing from the page, with progress as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from embedder.errors import BadInput
from soundalike.server.context import Context
from soundalike.server.jobs.tasks import IndexTask
from soundalike.server.replies import json_reply

MAX_PATHS = 50
KEEP_ALIVE_SECONDS = 10.0

PathText = Annotated[str, Field(min_length=1, max_length=4096)]


class JobQuestion(BaseModel):
    """A job to start: folders of this machine to index."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["index"] = "index"
    paths: Annotated[list[PathText], Field(min_length=1, max_length=MAX_PATHS)]
    prune: bool = False


def jobs_router(context: Context) -> APIRouter:
    """`/jobs`, `/jobs/{id}` and `/jobs/{id}/events`."""
    router = APIRouter(tags=["jobs"])
    jobs = context.jobs

    @router.get("/jobs")
    def all_jobs() -> Response:
        """The jobs since the server started, the newest first."""
        return json_reply({"jobs": [job.to_json() for job in jobs.list()]})

    @router.post("/jobs")
    def start(question: JobQuestion) -> Response:
        """Start indexing; it goes on in a process of its own."""
        paths = tuple(_folder(text) for text in question.paths)
        task = IndexTask(context.settings.library, paths, prune=question.prune)
        return json_reply(jobs.start(task).to_json(), status=HTTPStatus.ACCEPTED)

    @router.get("/jobs/{job_id}")
    def job(job_id: int) -> Response:
        """How far a job is."""
        return json_reply(jobs.job(job_id).to_json())

    @router.delete("/jobs/{job_id}")
    def cancel(job_id: int) -> Response:
        """Ask a job to end; what it has finished stays."""
        return json_reply(jobs.cancel(job_id).to_json())

    @router.get("/jobs/{job_id}/events")
    def events(job_id: int) -> Response:
        """The progress of a job as server-sent events."""
        jobs.job(job_id)
        return StreamingResponse(_events(context, job_id), media_type="text/event-stream")

    return router


async def _events(context: Context, job_id: int) -> AsyncIterator[str]:
    """An event for each change; a comment now and then, so that no proxy closes the stream."""
    changes = context.jobs.changes(job_id, wait_seconds=KEEP_ALIVE_SECONDS)
    done = object()
    while (document := await asyncio.to_thread(next, changes, done)) is not done:
        yield ": still running\n\n" if document is None else f"data: {json.dumps(document)}\n\n"


def _folder(text: str) -> Path:
    path = Path(text).expanduser()
    if "\0" in text or not path.is_absolute():
        raise BadInput("give the whole path of a folder")
    if not path.exists():
        raise BadInput(f"{path.name or text}: no such file or folder")
    return path
