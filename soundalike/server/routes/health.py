"""What is wrong in the library, and how to mend it: copies, doubtful labels, tags written anew."""

from collections import defaultdict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from embedder.errors import BadInput, NotFound
from index.labels.results import LabelVote
from index.library import Library
from soundalike.server.context import Context
from soundalike.server.replies import json_reply, read_reply
from soundalike.server.routes.tracks import MAX_ID, library_track

MAX_RECORDINGS = 200
MAX_DOUBTFUL = 200
MAX_LABEL = 200

FieldName = Annotated[str, Query(min_length=1, max_length=100)]


class NewLabel(BaseModel):
    """A label to write into the tags of a track's file."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[int, Field(ge=1, le=MAX_ID)]
    field: Annotated[str, Field(min_length=1, max_length=100)]
    value: Annotated[str, Field(min_length=1, max_length=MAX_LABEL)]


class Undo(BaseModel):
    """What to undo: the journal that `/labels` answered with."""

    model_config = ConfigDict(extra="forbid")

    journal: Annotated[str, Field(min_length=1, max_length=255)]


def health_router(context: Context) -> APIRouter:
    """`/library/duplicates`, `/library/doubtful`, `/labels` and `/labels/undo`."""
    router = APIRouter(tags=["library"])
    libraries = context.libraries

    @router.get("/library/duplicates")
    def duplicates(request: Request) -> Response:
        """Recordings that the library has more than once, each with its tracks."""
        return read_reply(request, libraries, _duplicates)

    @router.get("/library/doubtful")
    def doubtful(request: Request, field: FieldName = "genre") -> Response:
        """Tracks whose label nearly all their neighbours contradict."""
        from index.audit.doubtful import doubtful_labels  # loads scikit-learn: seconds

        return read_reply(
            request,
            libraries,
            lambda library: {"tracks": doubtful_labels(library, field=field)[:MAX_DOUBTFUL]},
        )

    @router.post("/labels")
    def write(label: NewLabel) -> Response:
        """Write a label into the tags of a file; the journal undoes it."""
        from index.labels.files.tag_writing import check_writable_field
        from index.labels.files.writing import plan_changes

        check_writable_field(label.field)
        with libraries.writing() as library:
            vote = _vote(library, label)
            report = library.write_labels(plan_changes([vote], replace_old=True))
        if report.failed:
            raise BadInput(report.failed[0].reason)
        journal = None if report.journal is None else report.journal.name
        return json_reply({"written": report.n_written, "journal": journal})

    @router.post("/labels/undo")
    def undo(wanted: Undo) -> Response:
        """Put back the tags that a journal says were overwritten."""
        with libraries.writing() as library:
            report = library.undo_labels(_journal(library, wanted.journal))
        if report.failed:
            raise BadInput(report.failed[0].reason)
        return json_reply({"restored": report.to_json()["restored"]})

    return router


def _vote(library: Library, label: NewLabel) -> LabelVote:
    """A label that a person gives, as the vote that would name it."""
    track = library_track(library, label.id)
    return LabelVote(
        track, label.field, label.value, (label.value,), 1.0, {label.value: 1.0}, voters=()
    )


def _journal(library: Library, name: str) -> Path:
    """The journal of a name in the library's folder; a name is no path."""
    if Path(name).name != name:
        raise BadInput("journal: give the name that /labels answered with")
    matches = [path for path in library.folder.rglob("*") if path.name == name]
    if not matches or matches[0].is_symlink():
        raise NotFound("no such journal")
    return matches[0]


def _duplicates(library: Library) -> dict[str, object]:
    """Tracks with equal audio, and those that fingerprints found to be one recording."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for track_id, recording in library.catalogue.recording_keys().items():
        groups[recording].append(track_id)
    repeated = [ids for ids in groups.values() if len(ids) > 1]
    return {
        "recordings": [
            [track.to_json() for track in library.tracks(sorted(ids))]
            for ids in repeated[:MAX_RECORDINGS]
        ],
        "total": len(repeated),
    }
