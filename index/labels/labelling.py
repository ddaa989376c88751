"""Label the tracks of a request: tracks of the library, files outside it, stretches of both.

All files without a stored vector are encoded in one batch. A file that cannot be encoded is listed
as failed, and the others are labelled.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from embedder.errors import AmbiguousTrack, AudioError, BadInput, UsageError, printable_path
from index.catalogue.records import Failure
from index.labels.request import LabelRequest
from index.labels.results import LabelReport
from index.labels.voting import Voting
from index.library_folder.open_library import OpenLibrary
from index.search.asked import QueryTrack, ResolvedTrack, encode_missing, resolve_tracks

if TYPE_CHECKING:
    from index.library_folder.encoder import Encoder


def label_tracks(
    library: OpenLibrary,
    request: LabelRequest,
    *,
    encoder: "Encoder | None" = None,
    on_track: Callable[[int], None] | None = None,
) -> LabelReport:
    """A vote for each track, in order; tracks that cannot be labelled are listed with the reason.

    `encoder` None: the library's own model, loaded only if it is needed. If the request names one
    track and it fails, its error is raised.
    """
    voting = Voting(library, request.settings)
    resolved: list[ResolvedTrack] = []
    failed: list[Failure] = []
    for text in request.tracks:
        try:
            resolved += resolve_tracks(
                library, [text], start_seconds=request.start_seconds, seconds=request.seconds
            )
        except (BadInput, UsageError) as error:
            if len(request.tracks) == 1 or isinstance(error, AmbiguousTrack):
                raise
            failed.append(Failure(text, _reason(error, text)))
    voting.table  # noqa: B018 - raises for an unknown field, before anything is encoded
    tracks: list[QueryTrack] = []
    for track in encode_missing(library, resolved, encoder):
        if on_track is not None:
            on_track(1)
        if isinstance(track, QueryTrack):
            tracks.append(track)
        elif len(request.tracks) == len(resolved) == 1:
            raise AudioError(track.path, track.reason)
        else:
            failed.append(Failure(str(track.path), track.reason))
    vectors = [track.vector for track in tracks]
    stacked = np.stack(vectors) if vectors else np.empty((0, 0), dtype=np.float32)
    votes = voting.label([track.record for track in tracks], stacked, seconds=request.seconds)
    return LabelReport(tuple(votes), tuple(failed))


def _reason(error: Exception, text: str) -> str:
    """The error's message without the file's name in front."""
    if isinstance(error, AudioError):
        return error.reason
    return str(error).removeprefix(f"{printable_path(text)}: ")
