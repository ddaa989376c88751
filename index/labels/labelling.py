"""Labels for whatever a person names: tracks of the library, files out of it, stretches of both.

All files that no vector is known of are heard in one go; one that cannot be is a failure among
the others.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embedder.encoding.requests import EncodingFailure, TrackEncoding, TrackRequest
from embedder.errors import AudioError, BadInput, UsageError, printable_path
from index.catalogue.records import Failure, TrackRecord
from index.labels.request import LabelRequest
from index.labels.results import LabelReport
from index.labels.voting import Voting
from index.library_folder.open_library import OpenLibrary
from index.search.asked import QueryTrack, resolve

if TYPE_CHECKING:
    from index.library_folder.encoder import Encoder


class _Later:
    """Stands in for the model: notes what is to be heard, and gives a blank for it."""

    def __init__(self) -> None:
        self._requests: dict[int, tuple[NDArray[np.float32], TrackRequest]] = {}

    def __call__(self, path: Path, start: float | None, seconds: float | None) -> TrackEncoding:
        """What `index.search.asked.resolve` takes for the model."""
        blank = np.empty(0, dtype=np.float32)
        self._requests[id(blank)] = (blank, TrackRequest(path, start, seconds))
        return TrackEncoding(path, blank, np.empty((0, 0), np.float32), (), 0.0, 0.0)

    def request_of(self, track: QueryTrack) -> TrackRequest | None:
        """What has to be heard for a track, none if its vector is known."""
        noted = self._requests.get(id(track.vector))
        return noted[1] if noted is not None else None


def label_tracks(
    library: OpenLibrary,
    request: LabelRequest,
    *,
    encoder: "Encoder | None" = None,
    on_heard: Callable[[int], None] | None = None,
) -> LabelReport:
    """A vote for each track, in order; what cannot be labelled is listed with the reason.

    `encoder` none: the library's own model, loaded only if something has to be heard. Where one
    track was named and it fails, its error is raised.
    """
    voting = Voting(library, request.settings)
    voting.table  # noqa: B018 - a field that nobody has is said before anything is heard
    later = _Later()
    named: list[QueryTrack] = []
    failed: list[Failure] = []
    for text in request.tracks:
        try:
            named += resolve(
                library,
                [text],
                encode=later,
                start_seconds=request.start_seconds,
                seconds=request.seconds,
            )
        except (BadInput, UsageError) as error:
            if len(request.tracks) == 1:
                raise
            failed.append(Failure(text, _reason(error, text)))
    requests = [later.request_of(track) for track in named]
    tracks: list[TrackRecord] = []
    vectors: list[NDArray[np.float32]] = []
    for track, vector in zip(named, _heard(library, requests, encoder), strict=True):
        if on_heard is not None:
            on_heard(1)
        if isinstance(vector, EncodingFailure):
            if len(request.tracks) == len(named) == 1:
                raise AudioError(vector.path, vector.reason)
            failed.append(Failure(str(vector.path), vector.reason))
        else:
            tracks.append(track.record)
            vectors.append(track.vector if vector is None else vector)
    stacked = np.stack(vectors) if vectors else np.empty((0, 0), dtype=np.float32)
    votes = voting.label(tracks, stacked, seconds=request.seconds)
    return LabelReport(tuple(votes), tuple(failed))


def _heard(
    library: OpenLibrary, requests: Sequence[TrackRequest | None], encoder: "Encoder | None"
) -> Iterator[NDArray[np.float32] | EncodingFailure | None]:
    """The vectors of what has to be heard, none for the others; all go to the model at once."""
    wanted = [request for request in requests if request is not None]
    results = (encoder or library.encoder).encode_many(wanted) if wanted else iter(())
    for request in requests:
        result = None if request is None else next(results)
        yield result.vector if isinstance(result, TrackEncoding) else result


def _reason(error: Exception, text: str) -> str:
    """The message without the name that stands before it already."""
    if isinstance(error, AudioError):
        return error.reason
    return str(error).removeprefix(f"{printable_path(text)}: ")
