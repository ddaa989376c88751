"""The newest samples of a stream. Positions count from the stream's beginning."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Ring:
    """Holds the newest `n_samples` samples:

    stream   |··········[ the ring ]
    position 0          first      end
    """

    def __init__(self, n_samples: int) -> None:
        self._samples = np.zeros(n_samples, dtype=np.float32)
        self.end = 0

    @property
    def first(self) -> int:
        """The position of the oldest sample that is left."""
        return max(self.end - len(self._samples), 0)

    def append(self, samples: Floats) -> None:
        """Add the stream's next samples; the oldest ones give way."""
        size = len(self._samples)
        newest = samples[-size:]
        start = (self.end + len(samples) - len(newest)) % size
        head = newest[: size - start]
        self._samples[start : start + len(head)] = head
        rest = newest[len(head) :]
        self._samples[: len(rest)] = rest
        self.end += len(samples)

    def read(self, first: int, end: int) -> Floats:
        """A copy of the samples [first, end), which the ring must still hold."""
        if not self.first <= first <= end <= self.end:
            raise ValueError(f"[{first}, {end}) is not in [{self.first}, {self.end})")
        size = len(self._samples)
        start, stop = first % size, first % size + (end - first)
        if stop <= size:
            return self._samples[start:stop].copy()
        return np.concatenate([self._samples[start:], self._samples[: stop - size]])
