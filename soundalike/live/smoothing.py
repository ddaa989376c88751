"""Probabilities over time, and the label that they give."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class MovingMean:
    """The mean of the newest arrays, at most `n_arrays`."""

    def __init__(self, n_arrays: int) -> None:
        self._newest: deque[Values] = deque(maxlen=n_arrays)

    def add(self, values: Values) -> Values:
        """The mean with these values: [labels] to [labels]."""
        self._newest.append(values)
        return np.asarray(np.mean(self._newest, axis=0))

    def clear(self) -> None:
        """Forget all: what follows a silence is another sound."""
        self._newest.clear()
