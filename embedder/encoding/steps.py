"""The steps from a file to its vector, in this process:

    file ──▶ excerpts ──▶ features ──▶ network ──▶ excerpt vectors ──▶ mean vector

`encoder` calls them for one track; `cores` and `gpu_batches` for many. This module starts no
thread and no process. A file that cannot be read becomes an EncodingFailure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.decoded import excerpts_of
from embedder.audio.excerpts import Excerpts, audible
from embedder.audio.records import Waveform
from embedder.config.model import ModelConfig
from embedder.encoding.loading import LoadedTrack, load_track
from embedder.encoding.requests import (
    EncodingFailure,
    EncodingResult,
    TrackEncoding,
    TrackRequest,
)
from embedder.encoding.runtime import Runtime
from embedder.errors import AudioError
from embedder.features.measuring.measurers import measure
from embedder.features.measuring.records import Measured
from embedder.models.loaded import OpenModel

Load = Callable[[TrackRequest], LoadedTrack]


@dataclass(frozen=True, slots=True)
class PreparedTrack:
    """A track that is ready for the network.

    features: float32 [excerpts, …], the front end's output
    """

    request: TrackRequest
    excerpts: Excerpts
    features: NDArray[np.float32]
    measured: tuple[Measured, ...] = ()


Prepared = PreparedTrack | EncodingFailure


class EncodingSteps:
    """A model that is ready to run, and each step from a file to a vector."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    @property
    def model(self) -> OpenModel:
        """The model."""
        return self.runtime.model

    @property
    def config(self) -> ModelConfig:
        """The model's settings."""
        return self.model.config

    @property
    def batch_tracks(self) -> int:
        """How many whole tracks fill a batch of the network."""
        return self.tracks_of(self.runtime.batch_excerpts)

    def tracks_of(self, n_excerpts: int) -> int:
        """How many tracks have about this many excerpts, at least one."""
        return max(n_excerpts // max(self.config.excerpts.n_excerpts, 1), 1)

    def encode(self, request: TrackRequest, load: Load | None = None) -> TrackEncoding:
        """One track, decoded by `load`; raises AudioError if it cannot be read."""
        track = self._prepared(request, load or self.load)
        return self._assemble(track, self.vectors(track.features))

    def encode_waveform(self, waveform: Waveform, *, name: Path) -> TrackEncoding:
        """Sound in memory, as a file with the same samples; raises AudioError with its `name`."""
        excerpts = audible(name, excerpts_of(name, waveform, self.config.excerpts))
        features = self.features(excerpts.samples, excerpts.sample_rate)
        track = PreparedTrack(TrackRequest(name), excerpts, features)
        return self._assemble(track, self.vectors(features))

    def encode_group(
        self, requests: Iterable[TrackRequest], load: Load | None = None
    ) -> list[EncodingResult]:
        """A few tracks, with one pass of the network; `load` decodes them."""
        return self.finish([self.prepare(request, load) for request in requests])

    def load(self, request: TrackRequest) -> LoadedTrack:
        """Decode a track in this process."""
        return load_track(request, self.config)

    def prepare(self, request: TrackRequest, load: Load | None = None) -> Prepared:
        """Everything before the network; `load` (default: in this process) decodes the track."""
        try:
            return self._prepared(request, load or self.load)
        except AudioError as error:
            return EncodingFailure.of(request.path, error)

    def finish(self, group: list[Prepared]) -> list[EncodingResult]:
        """Run the network over a group; tracks of one shape share its batches."""
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for position, track in enumerate(group):
            if isinstance(track, PreparedTrack):
                by_shape.setdefault(tuple(track.features.shape[1:]), []).append(position)
        vectors: dict[int, NDArray[np.float32]] = {}
        for positions in by_shape.values():
            tracks = [track for p in positions if isinstance(track := group[p], PreparedTrack)]
            all_vectors = self.vectors(np.concatenate([track.features for track in tracks]))
            ends = np.cumsum([len(track.features) for track in tracks])[:-1]
            vectors.update(zip(positions, np.split(all_vectors, ends), strict=True))
        return [
            track if isinstance(track, EncodingFailure) else self._result(track, vectors[position])
            for position, track in enumerate(group)
        ]

    def features(self, samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        """The front end's output for excerpts [excerpts, samples]."""
        return self.runtime.features(samples, sample_rate)

    def vectors(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The network's outputs for a front end's output: [excerpts, …] → [excerpts, size + tags].

        The probabilities of the model's tags, if it has any, stand after each vector.
        """
        return self.runtime.vectors(features)

    def _result(self, track: PreparedTrack, vectors: NDArray[np.float32]) -> EncodingResult:
        try:
            return self._assemble(track, vectors)
        except AudioError as error:
            return EncodingFailure.of(track.request.path, error)

    def _prepared(self, request: TrackRequest, load: Load) -> PreparedTrack:
        track = load(request)
        excerpts = audible(request.path, track.excerpts)
        features = self.features(excerpts.samples, excerpts.sample_rate)
        names = request.measurers
        measured = measure(track.sound(self.config), names) if names else ()
        return PreparedTrack(request, excerpts, features, measured)

    def _assemble(self, track: PreparedTrack, vectors: NDArray[np.float32]) -> TrackEncoding:
        request, excerpts = track.request, track.excerpts
        if not np.isfinite(vectors).all():
            raise AudioError(request.path, "the network gave numbers that are not finite")
        size = self.config.embedding_size
        vectors, probabilities = vectors[:, :size], vectors[:, size:]
        return TrackEncoding(
            path=request.path,
            vector=self.runtime.mean(vectors),
            excerpt_vectors=np.ascontiguousarray(vectors),
            starts_seconds=excerpts.starts_seconds,
            excerpt_seconds=excerpts.excerpt_seconds,
            duration_seconds=excerpts.duration_seconds,
            tag_probabilities=probabilities.mean(axis=0),
            tags=self.model.tags,
            measured=track.measured,
        )
