"""Frames and their power spectra in numpy, for the descriptors."""

import numpy as np
from numpy.typing import NDArray

FRAMES_AT_ONCE = 2048


def power_spectra(samples: NDArray[np.float32], *, size: int, hop: int) -> NDArray[np.float64]:
    """The power of each bin of each Hann-windowed frame inside the samples.

    samples: float32 [samples], padded with silence to one frame → float64 [frames, size / 2 + 1].
    A full-scale sine on a bin has power 1 there.
    """
    if len(samples) < size:
        samples = np.pad(samples, (0, size - len(samples)))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    power = np.empty((len(frames), size // 2 + 1))
    for start in range(0, len(frames), FRAMES_AT_ONCE):
        block = slice(start, start + FRAMES_AT_ONCE)
        spectrum = np.fft.rfft(frames[block] * window)
        power[block] = spectrum.real**2 + spectrum.imag**2
    power *= (2 / window.sum()) ** 2
    return power
