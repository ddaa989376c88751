"""What the mono mix of a stereo file loses: short windows of how its channels differ.

    slots     |-- 8,192 samples --|-------------------|-------------------|
    windows   |  [1,024]          |        [1,024]    | [1,024]           |

The power of all channels is that of the mono mix, plus that of the differences. A window of each
slot is enough to estimate it, at an eighth of the work. Windows lie at another place in each slot,
so that no rhythm falls between them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.audio.channels import LOUDEST
from embedder.audio.records import Sides

SLOT_SAMPLES = 8192
WINDOW_SAMPLES = 1024
_GOLDEN = (5**0.5 - 1) / 2


class SideWindows:
    """Collects the windows of a part of a file, [first, end), from frames in their order."""

    def __init__(self, first: int, end: int) -> None:
        slots = np.arange(max(first, 0) // SLOT_SAMPLES, max(end, 0) // SLOT_SAMPLES + 1)
        offsets = (slots * _GOLDEN % 1) * (SLOT_SAMPLES - WINDOW_SAMPLES)
        starts = slots * SLOT_SAMPLES + offsets.astype(np.int64)
        is_inside = (starts >= first) & (starts + WINDOW_SAMPLES <= end)
        self._starts: list[int] = starts[is_inside].tolist()
        self.clear()

    def clear(self) -> None:
        """Forget all frames."""
        self._row = 0  # the first window that is not yet full
        self._signals: NDArray[np.float32] | None = None
        self._n_filled = [0] * len(self._starts)
        self._n_channels = 0

    def add(self, position: int, end: int, channels: list[NDArray[Any]], scale: float) -> None:
        """Copy what is in the windows of a frame's channels, from `position` to `end`."""
        if self._row == len(self._starts) or end <= self._starts[self._row] or len(channels) == 1:
            return
        signals = _differences(channels, scale)
        self._n_channels = max(self._n_channels, len(channels))
        if self._signals is None:
            shape = (len(self._starts), len(signals), WINDOW_SAMPLES)
            self._signals = np.zeros(shape, dtype=np.float32)
        while self._row < len(self._starts) and self._starts[self._row] < end:
            start = self._starts[self._row]
            first, last = max(start, position), min(start + WINDOW_SAMPLES, end)
            if first < last:
                part = signals[: self._signals.shape[1], first - position : last - position]
                self._signals[self._row, : len(part), first - start : last - start] = part
                self._n_filled[self._row] += last - first
            if end < start + WINDOW_SAMPLES:
                return
            self._row += 1

    def sides(self, sample_rate: int) -> Sides | None:
        """The windows that were decoded as a whole; None for mono."""
        if self._signals is None:
            return None
        loudest = np.abs(self._signals).max(axis=(1, 2))
        rows = (np.array(self._n_filled) == WINDOW_SAMPLES) & (loudest <= LOUDEST)
        starts = np.array(self._starts, dtype=np.float64)[rows] / sample_rate
        return Sides(self._signals[rows], starts, sample_rate, self._n_channels)


def _differences(channels: list[NDArray[Any]], scale: float) -> NDArray[np.float32]:
    """[signals, samples]: their powers together are what the mean of the channels lacks."""
    if len(channels) == 2:
        side = np.subtract(channels[0], channels[1], dtype=np.float32)
        side *= np.float32(scale / 2**0.5)
        return np.asarray(side[None])
    table: NDArray[np.float32] = np.stack(channels).astype(np.float32) * np.float32(scale)
    differences: NDArray[np.float32] = table - table.mean(axis=0)
    return differences
