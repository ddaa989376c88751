"""The runtime in torch: for GPUs, short number formats, and models without another form."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from embedder.encoding.batched_network import BatchedForward
from embedder.encoding.formats import Precision
from embedder.encoding.runtime import BATCH_EXCERPTS, RuntimeName
from embedder.geometry import geometry_of
from embedder.models.loaded import LoadedModel, NetworkCall
from embedder.networks.fusion import fused_for_inference
from embedder.networks.network import EmbeddingNetwork

Floats = NDArray[np.float32]


class TorchRuntime:
    """A model on a device; features are computed on the CPU."""

    name: RuntimeName = "torch"

    def __init__(self, model: LoadedModel, *, device: str, precision: Precision = "auto") -> None:
        self.model = model
        self.precision = precision
        self._geometry = geometry_of(model.config.geometry, curvature=model.config.curvature)
        self._forward = BatchedForward(
            _for_inference(model),
            device=torch.device(device),
            batch_size=BATCH_EXCERPTS[device],
            precision=precision,
        )

    @property
    def batch_excerpts(self) -> int:
        """How many excerpts fill a batch: fewer after a device ran out of memory."""
        return self._forward.batch_size

    def features(self, samples: Floats, sample_rate: int) -> Floats:
        """The front end's output for excerpts [excerpts, samples]."""
        with torch.inference_mode():
            features: Floats = self.model.front_end(torch.from_numpy(samples), sample_rate).numpy()
        return features

    def vectors(self, features: Floats) -> Floats:
        """[excerpts, …] to [excerpts, size]."""
        vectors: Floats = self._forward(torch.from_numpy(features)).numpy()
        return vectors

    def mean(self, vectors: Floats) -> Floats:
        """The mean of vectors [n, size] in the model's geometry: [size]."""
        mean: Floats = self._geometry.mean(torch.from_numpy(vectors)).numpy().astype(np.float32)
        return mean

    @contextmanager
    def one_core_each(self) -> Iterator[None]:
        """Torch runs in one thread."""
        n_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(n_threads)

    def start_thread(self) -> None:
        """The setting of one thread does not hold for another."""
        torch.set_num_threads(1)


def _for_inference(model: LoadedModel) -> NetworkCall:
    """Our own networks with normalisation folded into the convolutions; others unchanged."""
    if isinstance(model.network, EmbeddingNetwork):
        return fused_for_inference(model.network)
    return model.network
