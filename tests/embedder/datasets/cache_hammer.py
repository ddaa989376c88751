"""Work for several processes on one feature cache; it imports no torch."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.feature_cache import FeatureCache


def values(seed: int, *, size: int = 1000) -> NDArray[np.uint8]:
    """An array that follows from its number."""
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


def hammer(folder: Path, seed: int, room: int) -> int:
    """Read and write at random; returns the number of wrong or damaged arrays."""
    cache = FeatureCache(folder, "front-end", max_bytes=room)
    generator = np.random.default_rng(seed)
    wrong = 0
    for number in generator.integers(0, 12, 150).tolist():
        expected = values(number)
        cached = cache.get(f"{number:02d}")
        if cached is None:
            cache.put(f"{number:02d}", expected)
        else:
            wrong += not np.array_equal(cached, expected)
    return wrong + cache.counts.damaged
