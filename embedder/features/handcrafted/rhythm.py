"""Rhythm patterns: how strongly each Bark band's loudness beats at each tempo.

    sone [24, frames] ─ six seconds at a time ─ modulation spectrum ─ weight ─ smooth ─ median

After Pampalk, Rauber and Merkl (2002) and Lidy and Rauber (2005); fluctuation strength after Fastl
(1982). Sixty bins of 0.168 Hz reach from 10 to 600 beats a minute.
"""

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from embedder.features.handcrafted.loudness import N_BANDS, loudness

N_MODULATIONS = 60
SEGMENT_SECONDS = 2**18 / 44100
"""5.9 s: bins of 0.168 Hz, so that sixty of them reach 10 Hz."""
STRONGEST_HZ = 4.0
"""The modulation frequency to which the ear is most sensitive."""
SMOOTHING_BINS = 0.75
PATTERN_SIZE = N_BANDS * N_MODULATIONS

Array = NDArray[np.float64]


def rhythm_patterns(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Fluctuation strength by band and modulation: float32 [1440], a band's 60 bins together.

    It is the median over the track's segments. Louder music has stronger fluctuations.
    """
    loud = loudness(samples, sample_rate)
    n_frames = round(SEGMENT_SECONDS * loud.frames_per_second)
    n_segments = max(loud.sone.shape[1] // n_frames, 1)
    patterns = [
        _pattern(loud.sone[:, i * n_frames : (i + 1) * n_frames], n_frames)
        for i in range(n_segments)
    ]
    return np.median(patterns, axis=0).ravel().astype(np.float32)


def modulation_hz() -> Array:
    """The modulation frequency of each bin: float64 [60]."""
    return np.arange(1, N_MODULATIONS + 1) / SEGMENT_SECONDS


def _pattern(sone: Array, n_frames: int) -> Array:
    """One segment, [24, frames at most n_frames] → [24, 60]."""
    changes = sone - sone.mean(axis=1, keepdims=True)  # so that the end of a short track is no step
    spectrum = np.abs(np.fft.rfft(changes, n=n_frames, axis=1))[:, 1 : N_MODULATIONS + 1]
    amplitudes = spectrum * (2 / sone.shape[1])
    hertz = modulation_hz()
    strength = amplitudes / (hertz / STRONGEST_HZ + STRONGEST_HZ / hertz)
    return np.asarray(scipy.ndimage.gaussian_filter(strength, SMOOTHING_BINS, mode="nearest"))
