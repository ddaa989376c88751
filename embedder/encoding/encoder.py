"""Files in, vectors out: `TrackEncoder`, the one class of this package that other layers need.

    paths ──▶ decode ──▶ front end ──▶ network ──▶ mean ──▶ TrackEncoding or EncodingFailure

`steps` holds the steps themselves, `cores` spreads many tracks over CPU cores, and `gpu_batches`
fills the batches of a GPU. One bad file among many never raises.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.decoded import as_rows
from embedder.audio.decoders import shared_decoders
from embedder.audio.records import Waveform
from embedder.config.model import ModelConfig
from embedder.encoding.cores import encode_on_cores
from embedder.encoding.devices import choose_device
from embedder.encoding.formats import Precision
from embedder.encoding.gpu_batches import encode_in_batches
from embedder.encoding.loading import LoadedTrack
from embedder.encoding.measuring_many import measure_many
from embedder.encoding.opening import open_runtime
from embedder.encoding.processes.decoder import load_in_child
from embedder.encoding.requests import (
    EncodingResult,
    MeasuringResult,
    TrackEncoding,
    TrackRequest,
    as_requests,
)
from embedder.encoding.runtime import Runtime
from embedder.encoding.steps import EncodingSteps
from embedder.encoding.threads import usable_cores
from embedder.errors import BadInput, UsageError
from embedder.models.card import read_card
from embedder.models.loaded import ArrayModel, LoadedModel, OpenModel
from embedder.models.registry import find_model


class TrackEncoder:
    """A model that turns tracks into vectors."""

    def __init__(
        self,
        model: LoadedModel | ArrayModel,
        *,
        device: str = "auto",
        precision: Precision = "auto",
    ) -> None:
        is_movable = isinstance(model, LoadedModel) and model.runs_on_devices
        chosen = choose_device(device) if is_movable else "cpu"
        self._use(_runtime_of(model, chosen, precision), chosen)

    @classmethod
    def load(
        cls, name_or_path: str | Path, *, device: str = "auto", precision: Precision = "auto"
    ) -> "TrackEncoder":
        """A bundled or imported model by its name, or a model folder by its path.

        On a CPU, most models run without torch, which would take seconds to import.
        """
        folder = find_model(name_or_path)
        card = read_card(folder)
        chosen = choose_device(device) if card.kind != "onnx" else "cpu"
        encoder = cls.__new__(cls)
        encoder._use(open_runtime(folder, device=chosen, precision=precision), chosen)
        return encoder

    def _use(self, runtime: Runtime, device: str) -> None:
        self.device = device
        self._steps = EncodingSteps(runtime)

    @property
    def model(self) -> OpenModel:
        """The model."""
        return self._steps.model

    @property
    def runtime(self) -> str:
        """What computes: "torch", or "arrays" for numpy and ONNX Runtime."""
        return self._steps.runtime.name

    @property
    def config(self) -> ModelConfig:
        """The model's settings: excerpts, front end, network, geometry."""
        return self.model.config

    @property
    def fingerprint(self) -> str:
        """The digest of weights and front end; vectors of different models cannot be compared."""
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
        measurers: tuple[str, ...] = (),
    ) -> TrackEncoding:
        """One track, or a part of it; raises AudioError if it cannot be read.

        `measurers` names what is measured beside the vector. The file is decoded in a child
        process, which is kept for the next call.
        """
        request = TrackRequest(Path(path), start_seconds, seconds, measurers)
        return self._steps.encode(request, self._load)

    def _load(self, request: TrackRequest) -> LoadedTrack:
        return load_in_child(shared_decoders(), request, self.config)

    def encode_waveform(
        self, samples: NDArray[np.float32], sample_rate: int, *, name: str = "sound in memory"
    ) -> TrackEncoding:
        """Mono sound in memory, float32 [samples]: the encoding of a file with the same samples.

        `sample_rate` is the model's (`encoder.model.sample_rate`), or any rate if that is 0.
        `name` stands in errors: AudioError if the sound is too short or silent.
        """
        expected_rate = self.model.sample_rate or sample_rate
        if sample_rate != expected_rate:
            raise UsageError(f"sample_rate = {sample_rate}: this model takes {expected_rate}")
        return self._steps.encode_waveform(Waveform(samples, sample_rate), name=Path(name))

    def on_one_core(self) -> AbstractContextManager[None]:
        """Meanwhile, each thread that encodes uses one core."""
        return self._steps.runtime.one_core_each()

    def start_thread(self) -> None:
        """A new thread that will encode inside `on_one_core` calls this first."""
        self._steps.runtime.start_thread()

    def encode_samples(self, samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        """Excerpts that are already decoded: [excerpts, samples] → [excerpts, size].

        A combined model takes the excerpts of its encoders from each of them.
        """
        samples = as_rows(samples, sample_rate, self.config.excerpts)
        outputs = self._steps.vectors(self._steps.features(samples, sample_rate))
        return outputs[:, : self.embedding_size]

    def encode_text(self, text: str) -> NDArray[np.float32]:
        """The vector of a description, [size]; raises BadInput if the model cannot read text."""
        read_text = self.model.text if isinstance(self.model, LoadedModel) else None
        if read_text is None:
            raise BadInput(
                f"{self.model.name}: this model cannot read text. Index with one that can, such as "
                "a CLAP: soundalike models import FOLDER --as NAME"
            )
        return read_text([text])[0].numpy()

    def encode_many(
        self,
        paths: Iterable[Path | str | TrackRequest],
        *,
        workers: int | None = None,
        ordered: bool = True,
    ) -> Iterator[EncodingResult]:
        """Each track's encoding or failure, in input order or as they are ready.

        A worker uses one core; the default is one worker for each usable core. `paths` may be
        endless: only a bounded number of tracks is in progress at a time.
        """
        encode = encode_on_cores if self.device == "cpu" else encode_in_batches
        return encode(
            self._steps, as_requests(paths), n_workers=workers or usable_cores(), ordered=ordered
        )

    def measure_many(
        self, requests: Iterable[TrackRequest], *, workers: int | None = None
    ) -> Iterator[MeasuringResult]:
        """What the measurers of each request give for its track, in input order."""
        return measure_many(requests, workers=workers)


def _runtime_of(model: LoadedModel | ArrayModel, device: str, precision: Precision) -> Runtime:
    if isinstance(model, ArrayModel):
        from embedder.encoding.array_runtime import ArrayRuntime

        return ArrayRuntime(model, precision=precision)
    from embedder.encoding.torch_runtime import TorchRuntime

    return TorchRuntime(model, device=device, precision=precision)
