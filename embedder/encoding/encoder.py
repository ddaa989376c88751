"""Files in, vectors out: the one class that everything above talks to.

    paths ──▶ decode ──▶ front end ──▶ network ──▶ mean ──▶ TrackEncoding or EncodingFailure

On a CPU each worker takes tracks through the whole chain on one core (`cores`), so that two workers
are two cores. On a GPU the workers decode and compute features, and the network sees batches across
tracks. It never raises for one bad file among many.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedder.audio.excerpts import Excerpts, audible, load_excerpts
from embedder.config.model import ModelConfig
from embedder.encoding.batched_network import BatchedForward
from embedder.encoding.cores import Cores
from embedder.encoding.precision import Precision, choose_device
from embedder.encoding.processes.decoder import DecoderProcess
from embedder.encoding.processes.encoder import EncoderProcess
from embedder.encoding.requests import (
    EncodingFailure,
    EncodingResult,
    TrackEncoding,
    TrackRequest,
    as_requests,
)
from embedder.encoding.threads import in_groups, map_in_threads
from embedder.errors import AudioError
from embedder.geometry import geometry_of
from embedder.models.loaded import LoadedModel, NetworkCall
from embedder.models.registry import load_model
from embedder.networks.fusion import fused_for_inference
from embedder.networks.network import EmbeddingNetwork

logger = logging.getLogger(__name__)

BATCH_EXCERPTS = {"cpu": 16, "cuda": 256, "mps": 64}
GROUP_EXCERPTS = 4
"""On a CPU a worker takes that many excerpts at a time: more would leave others without work."""


class TrackEncoder:
    """A model that turns tracks into vectors."""

    def __init__(
        self, model: LoadedModel, *, device: str = "auto", precision: Precision = "auto"
    ) -> None:
        self.model = model
        self.device = choose_device(device) if model.runs_on_devices else torch.device("cpu")
        self._front_end = model.front_end
        self._geometry = geometry_of(model.config.geometry, curvature=model.config.curvature)
        self._precision = precision
        self._forward = BatchedForward(
            _for_inference(model),
            device=self.device,
            batch_size=BATCH_EXCERPTS[self.device.type],
            precision=precision,
        )

    @classmethod
    def load(
        cls, name_or_path: str | Path, *, device: str = "auto", precision: Precision = "auto"
    ) -> "TrackEncoder":
        """A bundled or imported model by its name, or a model folder by its path."""
        return cls(load_model(name_or_path), device=device, precision=precision)

    @property
    def config(self) -> ModelConfig:
        """What the model hears and how it is built."""
        return self.model.config

    @property
    def fingerprint(self) -> str:
        """The digest of weights and front end; vectors of another one cannot be compared."""
        return self.model.fingerprint

    @property
    def embedding_size(self) -> int:
        """How many numbers a vector has."""
        return self.model.config.embedding_size

    def encode(
        self,
        path: Path | str,
        *,
        start_seconds: float | None = None,
        seconds: float | None = None,
    ) -> TrackEncoding:
        """One track, or a stretch of it; raises AudioError where it cannot be heard."""
        request = TrackRequest(Path(path), start_seconds, seconds)
        excerpts = audible(request.path, self._load_here(request))
        return self._assemble(request, excerpts, self._vectors(self._features(excerpts)))

    def encode_group(self, group: list[TrackRequest]) -> list[EncodingResult]:
        """A few tracks, here and now, the network over all of them at once."""
        return self._finish_group([self._prepare(r, self._load_here) for r in group])

    def encode_samples(self, samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        """Excerpts that are already decoded: [excerpts, samples] → [excerpts, size]."""
        spectrograms = self._front_end(torch.from_numpy(samples), sample_rate)
        return self._vectors(spectrograms)

    def encode_many(
        self,
        paths: Iterable[Path | str | TrackRequest],
        *,
        workers: int | None = None,
        ordered: bool = True,
    ) -> Iterator[EncodingResult]:
        """Each track's encoding or failure, in input order or as they come.

        `paths` may be endless: only a bounded number of tracks is under way at a time.
        """
        n_workers = workers or usable_cores()
        requests = as_requests(paths)
        if self.device.type == "cpu":
            return self._encode_on_cores(requests, n_workers, ordered=ordered)
        return self._encode_in_batches(requests, n_workers, ordered=ordered)

    def _encode_on_cores(
        self, requests: Iterable[TrackRequest], n_workers: int, *, ordered: bool
    ) -> Iterator[EncodingResult]:
        n_threads_before = torch.get_num_threads()
        per_worker = max(usable_cores() // n_workers, 1)
        cores = Cores(
            n_workers,
            encode_here=self.encode_group,
            encode_decoded=lambda group, decoder: self._finish_group(
                [self._prepare(request, decoder.load) for request in group]
            ),
            start_child=self._start_child,
            make_decoder=lambda: DecoderProcess(self.config),
        )
        prepared = threading.local()

        def work(group: list[TrackRequest]) -> list[EncodingResult]:
            if not hasattr(prepared, "done"):  # the number of threads is each thread's own
                torch.set_num_threads(per_worker)
                prepared.done = True
            return cores.encode_group(group)

        groups = in_groups(requests, self._tracks_of(GROUP_EXCERPTS))
        with cores:
            try:
                for results in map_in_threads(
                    work, groups, workers=n_workers, ordered=ordered, ahead=8 * n_workers
                ):
                    yield from results
            finally:
                torch.set_num_threads(n_threads_before)

    def _start_child(self) -> EncoderProcess:
        return EncoderProcess(
            self.model.folder,
            fingerprint=self.fingerprint,
            embedding_size=self.embedding_size,
            precision=self._precision,
        )

    def _encode_in_batches(
        self, requests: Iterable[TrackRequest], n_workers: int, *, ordered: bool
    ) -> Iterator[EncodingResult]:
        n_tracks = self._tracks_of(self._forward.batch_size)
        with self._loaders(n_workers) as load:
            prepared = map_in_threads(
                lambda request: self._prepare(request, load),
                requests,
                workers=n_workers,
                ordered=ordered,
                ahead=max(2 * n_workers, 2 * n_tracks),
            )
            for group in in_groups(prepared, n_tracks):
                yield from self._finish_group(group)

    @contextmanager
    def _loaders(self, n_workers: int) -> Iterator["Load"]:
        """How a thread gets excerpts: itself where it is alone, else by a child of its own."""
        if n_workers == 1:
            yield self._load_here
            return
        children = threading.local()
        started: list[DecoderProcess] = []

        def load(request: TrackRequest) -> Excerpts:
            if not hasattr(children, "own"):
                children.own = DecoderProcess(self.config)
                started.append(children.own)
            decoder: DecoderProcess = children.own
            return decoder.load(request)

        try:
            yield load
        finally:
            for decoder in started:
                decoder.close()

    def _prepare(self, request: TrackRequest, load: "Load") -> "Prepared":
        try:
            excerpts = audible(request.path, load(request))
        except AudioError as error:
            return request, error, None
        return request, excerpts, self._features(excerpts)

    def _finish_group(self, group: list["Prepared"]) -> list[EncodingResult]:
        """The network over a group of tracks, those of one shape together."""
        vectors: dict[int, NDArray[np.float32]] = {}
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for position, (_, _, spectrograms) in enumerate(group):
            if spectrograms is not None:
                by_shape.setdefault(tuple(spectrograms.shape[1:]), []).append(position)
        for positions in by_shape.values():
            parts = [part for p in positions if (part := group[p][2]) is not None]
            together = self._vectors(torch.cat(parts))
            ends = np.cumsum([len(part) for part in parts])[:-1]
            vectors.update(zip(positions, np.split(together, ends), strict=True))
        return [
            self._result(request, heard, vectors.get(position))
            for position, (request, heard, _) in enumerate(group)
        ]

    def _result(
        self,
        request: TrackRequest,
        heard: Excerpts | AudioError,
        vectors: NDArray[np.float32] | None,
    ) -> EncodingResult:
        if isinstance(heard, AudioError) or vectors is None:
            reason = heard.reason if isinstance(heard, AudioError) else "no excerpt"
            return EncodingFailure(request.path, reason)
        try:
            return self._assemble(request, heard, vectors)
        except AudioError as error:
            return EncodingFailure(request.path, error.reason)

    def _load_here(self, request: TrackRequest) -> Excerpts:
        return load_excerpts(
            request.path,
            self.config.excerpts,
            sample_rate=self.config.front_end.sample_rate,
            start_seconds=request.start_seconds,
            seconds=request.seconds,
        )

    def _features(self, excerpts: Excerpts) -> Tensor:
        with torch.inference_mode():
            features: Tensor = self._front_end(
                torch.from_numpy(excerpts.samples), excerpts.sample_rate
            )
        return features

    def _vectors(self, spectrograms: Tensor) -> NDArray[np.float32]:
        return self._forward(spectrograms).numpy()

    def _assemble(
        self, request: TrackRequest, excerpts: Excerpts, vectors: NDArray[np.float32]
    ) -> TrackEncoding:
        if not np.isfinite(vectors).all():
            raise AudioError(request.path, "the network gave numbers that are not finite")
        mean = self._geometry.mean(torch.from_numpy(vectors)).numpy()
        return TrackEncoding(
            path=request.path,
            vector=mean.astype(np.float32),
            excerpt_vectors=vectors,
            starts_seconds=excerpts.starts_seconds,
            excerpt_seconds=excerpts.samples.shape[1] / excerpts.sample_rate,
            duration_seconds=excerpts.duration_seconds,
        )

    def _tracks_of(self, n_excerpts: int) -> int:
        return max(n_excerpts // max(self.config.excerpts.n_excerpts, 1), 1)


def _for_inference(model: LoadedModel) -> NetworkCall:
    """Our own networks with normalisation folded into the convolutions; others as they are."""
    if isinstance(model.network, EmbeddingNetwork):
        return fused_for_inference(model.network)
    return model.network


Prepared = tuple[TrackRequest, Excerpts | AudioError, Tensor | None]
Load = Callable[[TrackRequest], Excerpts]


def usable_cores() -> int:
    """The cores that this process may use, which a container may have made fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
