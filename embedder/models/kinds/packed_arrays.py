"""Weights that `kinds.weights` packed into 16 or 8 bits, in 32 bits again, as numpy arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

GROUP = 128
"""So many consecutive weights share a step."""
STEPS = ".steps"


def unpacked_arrays(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Packed arrays in 32 bits again. Steps that fit no weight are returned unchanged."""
    result: dict[str, NDArray[Any]] = {}
    used = set()
    for name, array in arrays.items():
        steps = arrays.get(name + STEPS)
        if array.dtype == np.float16:
            result[name] = array.astype(np.float32)
        elif array.dtype == np.int8 and steps is not None and _fit(steps, array):
            result[name] = unpacked_array(array, steps)
            used.add(name + STEPS)
        else:
            result[name] = array
    return {name: array for name, array in result.items() if name not in used}


def unpacked_array(counts: NDArray[np.int8], steps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whole numbers of steps, of which each group has its own, as weights."""
    weights = np.zeros((len(steps), GROUP), dtype=np.float32)
    weights.reshape(-1)[: counts.size] = counts.reshape(-1)
    weights *= steps[:, None]
    return weights.reshape(-1)[: counts.size].reshape(counts.shape)


def _fit(steps: NDArray[Any], counts: NDArray[np.int8]) -> bool:
    return steps.dtype == np.float32 and steps.shape == (-(-counts.size // GROUP),)
