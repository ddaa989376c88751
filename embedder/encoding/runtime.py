"""What computes a model's two steps: torch, or numpy and ONNX Runtime.

    torch    GPUs, formats shorter than float32, every kind of model
    arrays   the CPU: trained networks and ONNX files; nothing of it imports torch

Both give the same vectors up to rounding. This module imports neither.
"""

from contextlib import AbstractContextManager
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from embedder.encoding.formats import Precision
from embedder.models.loaded import OpenModel

RuntimeName = Literal["torch", "arrays"]
BATCH_EXCERPTS = {"cpu": 16, "cuda": 256, "mps": 64}
Floats = NDArray[np.float32]


class Runtime(Protocol):
    """A model that is ready to run. Threads may share it."""

    name: RuntimeName
    precision: Precision

    @property
    def batch_excerpts(self) -> int:
        """How many excerpts fill a batch of the network."""
        ...

    @property
    def model(self) -> OpenModel:
        """The model."""
        ...

    def features(self, samples: Floats, sample_rate: int) -> Floats:
        """The front end's output for excerpts [excerpts, samples]."""
        ...

    def vectors(self, features: Floats) -> Floats:
        """The network's output for a front end's output: [excerpts, …] to [excerpts, size]."""
        ...

    def mean(self, vectors: Floats) -> Floats:
        """The mean of vectors [n, size] in the model's geometry: [size]."""
        ...

    def one_core_each(self) -> AbstractContextManager[None]:
        """Meanwhile, each thread that calls the runtime uses one core."""
        ...

    def start_thread(self) -> None:
        """Each new thread that calls the runtime then calls this first."""
        ...
