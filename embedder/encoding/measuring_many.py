"""Measuring many tracks without a model: each thread has a decoder process."""

from collections.abc import Iterable, Iterator

from embedder.audio.decoders import Decoders
from embedder.encoding.loading import measure_track
from embedder.encoding.requests import (
    EncodingFailure,
    MeasuringResult,
    TrackRequest,
)
from embedder.encoding.threads import map_in_threads, usable_cores
from embedder.errors import AudioError


def measure_many(
    requests: Iterable[TrackRequest], *, workers: int | None = None
) -> Iterator[MeasuringResult]:
    """What each request's measurers give for its track, or why it failed, in input order."""
    with Decoders() as decoders:

        def measured(request: TrackRequest) -> MeasuringResult:
            try:
                return decoders.run(request.path, measure_track, request)
            except AudioError as error:
                return EncodingFailure.of(request.path, error)
            except OSError as error:
                return EncodingFailure(request.path, error.strerror or str(error), is_passing=True)

        yield from map_in_threads(measured, requests, workers=workers or usable_cores())
