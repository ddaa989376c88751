"""Encoding many tracks on a GPU: threads prepare them, the network runs in batches across tracks.

    thread 1 ──▶ decoder process 1 ─┐
    thread 2 ──▶ decoder process 2 ─┼──▶ features ──▶ batches on the GPU
    …                               ┘

A decoder that crashes, hangs or takes too much memory costs only the file that it had.
"""

from collections.abc import Iterable, Iterator

from embedder.audio.decoders import Decoders
from embedder.encoding.loading import LoadedTrack
from embedder.encoding.processes.decoder import load_in_child
from embedder.encoding.requests import EncodingResult, TrackRequest
from embedder.encoding.steps import EncodingSteps
from embedder.encoding.threads import in_groups, map_in_threads


def encode_in_batches(
    steps: EncodingSteps, requests: Iterable[TrackRequest], *, n_workers: int, ordered: bool
) -> Iterator[EncodingResult]:
    """Each track's encoding or failure; each worker decodes and computes features on one core."""
    n_tracks = steps.batch_tracks
    with steps.runtime.one_core_each(), Decoders() as decoders:

        def load(request: TrackRequest) -> LoadedTrack:
            return load_in_child(decoders, request, steps.config)

        prepared = map_in_threads(
            lambda request: steps.prepare(request, load),
            requests,
            workers=n_workers,
            ordered=ordered,
            ahead=max(2 * n_workers, 2 * n_tracks),
            start_thread=steps.runtime.start_thread,
        )
        for group in in_groups(prepared, n_tracks):
            yield from steps.finish(group)
