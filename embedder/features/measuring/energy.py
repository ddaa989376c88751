"""Energy of a sound as a listener means it, from its parts, whatever the playback level.

Four parts are measured on levels relative to the loudest (`bands.mel_levels`):

- onsets: how many a second
- attack: how fast the lowest six bands rise, in decibels a frame, on average over all frames
- brightness: bands from 0.6 to 4 kHz against those below, in decibels
- dynamics: the share of all changes of level that are slow, from two seconds to a fifth

Energy is a weighted sum of them between 0 and 1. The weights were chosen on the training artists of
902 clips of commercial music, so that fiery clips lie above wistful ones
(`benchmarks/measured_values.py`): 0.5 is half-way between the two.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.features.measuring.bands import FLOOR_DB

BRIGHT_BANDS = slice(12, 32)
DARK_BANDS = slice(0, 12)
ONSET_DB = 1.0
"""How far an onset rises above the mean of the half second around it."""
ONSET_GAP_FRAMES = 4
AROUND_FRAMES = 43
SLOWEST_HZ, FAST_HZ = 0.5, 5.0

# Mean and deviation of each part over the training clips, and its weight.
_ONSETS = (3.0, 1.1, 0.3)
_ATTACK = (0.838, 0.156, 0.9)
_BRIGHTNESS = (-11.79, 4.15, 0.8)
_DYNAMICS = (0.335, 0.097, -0.25)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EnergyParts:
    """What energy is made of."""

    onsets_per_second: float
    attack_db: float
    brightness_db: float
    slow_share: float

    @property
    def energy(self) -> float:
        """From 0 to 1."""
        sides = (
            (self.onsets_per_second, _ONSETS),
            (self.attack_db, _ATTACK),
            (self.brightness_db, _BRIGHTNESS),
            (self.slow_share, _DYNAMICS),
        )
        total = sum(weight * (value - mean) / spread for value, (mean, spread, weight) in sides)
        return float(1 / (1 + np.exp(-total)))


def energy_parts(
    levels: NDArray[np.float32], rises: Array, frames_per_second: float
) -> EnergyParts:
    """The parts of a sound.

    levels: [frames, bands], as of `mel_levels`; rises: [frames - 1, 2], as of `onset_rises`
    """
    profile = levels.mean(axis=0)
    return EnergyParts(
        onsets_per_second=_n_onsets(rises[:, 0]) / max(len(rises) / frames_per_second, 1.0),
        attack_db=float(rises[:, 1].mean()) if len(rises) else 0.0,
        brightness_db=float(profile[BRIGHT_BANDS].mean() - profile[DARK_BANDS].mean()),
        slow_share=_slow_share(levels, frames_per_second),
    )


def _n_onsets(rises: Array) -> int:
    reach, n = ONSET_GAP_FRAMES, len(rises)
    if n <= 2 * reach:
        return 0
    around = np.convolve(rises, np.ones(AROUND_FRAMES) / AROUND_FRAMES, "same")[:n]
    windows = np.lib.stride_tricks.sliding_window_view(rises, 2 * reach + 1)
    inner = slice(reach, n - reach)
    is_top = rises[inner] >= windows.max(axis=1)
    return int((is_top & (rises[inner] > around[inner] + ONSET_DB)).sum())


def _slow_share(levels: NDArray[np.float32], frames_per_second: float) -> float:
    changes = np.fft.rfft(levels - levels.mean(axis=0), axis=0)
    power = (np.abs(changes) ** 2).sum(axis=1)
    hertz = np.fft.rfftfreq(len(levels), 1 / frames_per_second)
    total = float(power[1:].sum())
    if total < abs(FLOOR_DB) * 1e-6:
        return 0.0
    return float(power[(hertz >= SLOWEST_HZ) & (hertz < FAST_HZ)].sum() / total)
