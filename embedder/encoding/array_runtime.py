"""The runtime without torch: numpy and ONNX Runtime, on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from embedder.encoding.formats import Precision
from embedder.encoding.runtime import BATCH_EXCERPTS, RuntimeName
from embedder.models.array_geometry import mean_of
from embedder.models.loaded import ArrayModel

Floats = NDArray[np.float32]


class ArrayRuntime:
    """A model of arrays, in batches of a bounded size."""

    name: RuntimeName = "arrays"

    def __init__(self, model: ArrayModel, *, precision: Precision = "auto") -> None:
        self.model = model
        self.precision = precision
        self.batch_excerpts = BATCH_EXCERPTS["cpu"]

    def features(self, samples: Floats, sample_rate: int) -> Floats:
        """The front end's output for excerpts [excerpts, samples]."""
        return self.model.front_end(samples, sample_rate)

    def vectors(self, features: Floats) -> Floats:
        """[excerpts, …] to [excerpts, size]."""
        step = self.batch_excerpts
        parts = [
            self.model.network(features[start : start + step])
            for start in range(0, len(features), step)
        ]
        return np.concatenate(parts)

    def mean(self, vectors: Floats) -> Floats:
        """The mean of vectors [n, size] in the model's geometry: [size]."""
        config = self.model.config
        return mean_of(vectors, config.geometry, curvature=config.curvature)

    @contextmanager
    def one_core_each(self) -> Iterator[None]:
        """The network's session has one thread; numpy's matrix products get one, too."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="blas"):
            yield

    def start_thread(self) -> None:
        """Nothing: the limits hold for all threads."""
