"""Integrated loudness in LUFS, after EBU R128 and ITU-R BS.1770-4.

    100 ms steps ─▶ K-weighted power ─▶ blocks of 400 ms ─▶ gate at -70 LUFS ─▶ gate 10 LU below

The K-weighting is applied to the spectrum of each step: its two filters change slowly with the
frequency, so the result differs from filtering in time by a few hundredths of a LU. A mono file is
played by both speakers. Of a file with more channels, the power of what its mono mix lacks is
added, as short windows show it; the extra weight of 1.5 dB for speakers behind is left out.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from embedder.audio.records import Sides
from embedder.features.measuring.records import TrackSound

STEP_SECONDS = 0.1
STEPS_PER_BLOCK = 4
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
OFFSET_LU = -0.691
N_SPEAKERS = 2

Array = NDArray[np.float64]


def integrated_loudness(sound: TrackSound) -> float | None:
    """LUFS of a sound; None for less than a block, and for silence."""
    n = round(STEP_SECONDS * sound.sample_rate)
    n_steps = len(sound.samples) // n
    if n_steps < STEPS_PER_BLOCK:
        return None
    steps = _weighted_power(sound.samples[: n_steps * n].reshape(n_steps, n), sound.sample_rate)
    steps *= max(N_SPEAKERS, sound.sides.n_channels if sound.sides else 0)
    if sound.sides is not None and len(sound.sides.signals):
        middles = np.asarray(sound.start_seconds + STEP_SECONDS * (np.arange(n_steps) + 0.5))
        steps += _side_power(sound.sides, middles)
    blocks = np.convolve(steps, np.ones(STEPS_PER_BLOCK) / STEPS_PER_BLOCK, "valid")
    above = blocks[blocks > _power(ABSOLUTE_GATE_LUFS)]
    if not len(above):
        return None
    gate = _power(_lufs(above.mean()) + RELATIVE_GATE_LU)
    return _lufs(above[above > gate].mean())


def _weighted_power(rows: NDArray[np.float32], sample_rate: int) -> Array:
    """The K-weighted mean power of each row [rows, samples]: [rows]."""
    import scipy.fft  # not at the top: a rescan needs no scipy

    spectra = scipy.fft.rfft(rows, axis=1)
    power = spectra.real**2 + spectra.imag**2
    return np.asarray(power @ _weights(rows.shape[1], sample_rate), dtype=np.float64)


def _side_power(sides: Sides, seconds: Array) -> Array:
    """The power of the windows at these times [n]."""
    n_windows, n_signals, n_samples = sides.signals.shape
    rows = sides.signals.reshape(n_windows * n_signals, n_samples)
    power = _weighted_power(rows, sides.sample_rate).reshape(n_windows, n_signals).sum(axis=1)
    middles = sides.starts_seconds + n_samples / 2 / sides.sample_rate
    return np.asarray(np.interp(seconds, middles, power))


def k_weighting(hertz: Array) -> Array:
    """The gain of both filters in power, by frequency [n] (BS.1770-4, annex 1, at 48 kHz)."""
    turn = np.exp(-2j * np.pi * hertz / 48_000)
    shelf = _response(turn, (1.53512485958697, -2.69169618940638, 1.19839281085285), _SHELF_POLES)
    high_pass = _response(turn, (1.0, -2.0, 1.0), _HIGH_PASS_POLES)
    return np.asarray(np.abs(shelf * high_pass) ** 2)


_SHELF_POLES = (1.0, -1.69065929318241, 0.73248077421585)
_HIGH_PASS_POLES = (1.0, -1.99004745483398, 0.99007225036621)


def _response(
    turn: NDArray[np.complex128],
    zeros: tuple[float, float, float],
    poles: tuple[float, float, float],
) -> NDArray[np.complex128]:
    above = zeros[0] + zeros[1] * turn + zeros[2] * turn**2
    below = poles[0] + poles[1] * turn + poles[2] * turn**2
    return np.asarray(above / below)


@lru_cache(maxsize=4)
def _weights(n: int, sample_rate: int) -> NDArray[np.float32]:
    """From the squared spectrum of a step of n samples to its weighted mean power [bins]."""
    import scipy.fft  # not at the top: a rescan needs no scipy

    hertz = scipy.fft.rfftfreq(n, 1 / sample_rate)
    sides = np.full(len(hertz), 2.0)
    sides[0] = 1.0
    if n % 2 == 0:
        sides[-1] = 1.0
    weights = k_weighting(np.minimum(hertz, 24_000.0)) * sides / n**2
    return np.asarray(weights, dtype=np.float32)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - OFFSET_LU) / 10))


def _lufs(power: float) -> float:
    return float(OFFSET_LU + 10 * np.log10(power))
