"""Change the sample rate as `torchaudio.functional.resample` does, in numpy.

    each output sample = a window of input samples × the kernel of its phase

With the rates divided by their greatest common divisor, `to_rate` output samples use windows that
start at the same input sample, so all of them are one matrix product.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FILTER_WIDTH = 6
"""Zero crossings of the sinc on each side, as torchaudio's default."""
ROLL_OFF = 0.99
"""The cut-off, as a share of half the lower rate, as torchaudio's default."""
BLOCK_VALUES = 1 << 20
"""How many values of windows are multiplied at a time: 4 MiB."""

Samples = NDArray[np.float32]


def resample(waveform: Samples, from_rate: int, to_rate: int) -> Samples:
    """float32 [batch, samples] to [batch, ceil(samples × to_rate / from_rate)]."""
    divisor = math.gcd(from_rate, to_rate)
    from_rate, to_rate = from_rate // divisor, to_rate // divisor
    if from_rate == to_rate:
        return waveform
    kernels, width = _kernels(from_rate, to_rate)
    n_samples = waveform.shape[1]
    padded = np.pad(waveform, ((0, 0), (width, width + from_rate)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernels.shape[0], axis=1)
    windows = windows[:, ::from_rate]
    step = max(BLOCK_VALUES // (len(waveform) * kernels.shape[0]), 1)
    parts = [
        np.ascontiguousarray(windows[:, start : start + step]) @ kernels
        for start in range(0, windows.shape[1], step)
    ]
    joined = np.concatenate(parts, axis=1).reshape(len(waveform), -1)
    return joined[:, : math.ceil(to_rate * n_samples / from_rate)]


@lru_cache(maxsize=8)
def _kernels(from_rate: int, to_rate: int) -> tuple[Samples, int]:
    """The kernels of all phases float32 [window, to_rate], and how far a window reaches back."""
    cut_off = min(from_rate, to_rate) * ROLL_OFF
    width = math.ceil(FILTER_WIDTH * from_rate / cut_off)
    at = np.arange(-width, width + from_rate)[:, None] / from_rate
    times = (at - np.arange(to_rate) / to_rate) * cut_off
    times = np.clip(times, -FILTER_WIDTH, FILTER_WIDTH)
    window = np.cos(times * math.pi / FILTER_WIDTH / 2) ** 2
    kernels = np.sinc(times) * window * (cut_off / from_rate)
    return kernels.astype(np.float32), width
