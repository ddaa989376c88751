"""Integrated loudness in LUFS, after EBU R128 and ITU-R BS.1770-4.

    100 ms steps ─▶ K-weighted power ─▶ blocks of 400 ms ─▶ gate at -70 LUFS ─▶ gate 10 LU below

The K-weighting is applied to the spectrum of each step: its two filters change slowly with the
frequency, so the result differs from filtering in time by a few hundredths of a LU. The sound is a
mono mix, played by both speakers: what cancels out between left and right does not count.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

STEP_SECONDS = 0.1
STEPS_PER_BLOCK = 4
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
OFFSET_LU = -0.691
N_SPEAKERS = 2

Array = NDArray[np.float64]


def integrated_loudness(samples: NDArray[np.float32], sample_rate: int) -> float | None:
    """LUFS of mono samples [samples]; None for less than a block, and for silence."""
    import scipy.fft  # not at the top: a rescan needs no scipy

    n = round(STEP_SECONDS * sample_rate)
    n_steps = len(samples) // n
    if n_steps < STEPS_PER_BLOCK:
        return None
    spectra = scipy.fft.rfft(samples[: n_steps * n].reshape(n_steps, n), axis=1)
    power = spectra.real**2 + spectra.imag**2
    steps = N_SPEAKERS * (power @ _weights(n, sample_rate)).astype(np.float64)
    blocks = np.convolve(steps, np.ones(STEPS_PER_BLOCK) / STEPS_PER_BLOCK, "valid")
    above = blocks[blocks > _power(ABSOLUTE_GATE_LUFS)]
    if not len(above):
        return None
    gate = _power(_lufs(above.mean()) + RELATIVE_GATE_LU)
    return _lufs(above[above > gate].mean())


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
