"""The spectrum of a sound over time, on which tempo, energy and timbre are measured.

    44.1 kHz ─▶ half the rate ─▶ 46 ms windows every 11.6 ms ─▶ 40 mel bands, in decibels

Levels are relative to the loudest band and frame, so that the playback level does not count.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import FrontEndConfig
from embedder.features.banks import mel_bank

N_BANDS = 40
WINDOW = 1024
HOP = 256
FLOOR_DB = -60.0
_FRAMES_AT_ONCE = 128
"""The spectra of so many frames stay in the processor's cache."""

Samples = NDArray[np.float32]
Array = NDArray[np.float32]


def half_rate(samples: Samples) -> Samples:
    """Every second sample, after a half-band filter of seven taps."""
    n = len(samples) // 2
    padded = np.pad(samples, 3)
    middle = padded[3 : 3 + 2 * n : 2]
    near = padded[2 : 2 + 2 * n : 2] + padded[4 : 4 + 2 * n : 2]
    far = padded[0 : 2 * n : 2] + padded[6 : 6 + 2 * n : 2]
    half: Samples = 0.5 * middle + (9 / 32) * near - (1 / 32) * far
    return half


def mel_levels(samples: Samples, sample_rate: int) -> Array:
    """Decibels below the loudest value, at most 60: float32 [frames, 40].

    samples: float32 [samples], padded with silence to two frames if they are shorter
    """
    import scipy.fft  # not at the top: a rescan needs no scipy

    if len(samples) < WINDOW + HOP:
        samples = np.pad(samples, (0, WINDOW + HOP - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    bank = _bank(sample_rate)
    power = np.empty((len(frames), N_BANDS), dtype=np.float32)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        block = slice(start, start + _FRAMES_AT_ONCE)
        spectra = scipy.fft.rfft(frames[block] * window, axis=1)
        power[block] = (spectra.real**2 + spectra.imag**2) @ bank
    levels = 10 * np.log10(np.maximum(power, 1e-12))
    loudest = float(levels.max())
    return np.maximum(levels - loudest, FLOOR_DB)


@lru_cache(maxsize=4)
def _bank(sample_rate: int) -> Array:
    """The mean power of each mel band: float32 [bins, 40]."""
    settings = FrontEndConfig(fft_size=WINDOW, n_bins=N_BANDS, max_hz=sample_rate / 2)
    bank = mel_bank(settings, sample_rate)
    return np.asarray((bank / np.maximum(bank.sum(axis=1, keepdims=True), 1e-12)).T, np.float32)
