"""Find the frames where a clip is loudest, in numpy; `embedder.features.loudest` says how and why.

The torch form takes its constants and the lower rate from here.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embedder.features.arrays.windows import hann_window, windows_of

N_CANDIDATES = 16
"""How many frames each of the two rankings chooses."""
LOWEST_RATE = 2756
"""In hertz: a sixteenth of 44 100, an eighth of 22 050."""

Samples = NDArray[np.float32]


class Grid(NamedTuple):
    """The grid of frames, and the units by which the rate may be divided."""

    sample_rate: int
    fft_size: int
    hop_samples: int
    n_frames: int

    @property
    def step(self) -> int:
        """The longest block that frames begin and end on, in samples."""
        return math.gcd(self.fft_size // 2, self.hop_samples)

    @property
    def decimation(self) -> int:
        """How many samples become one for the ranking at a lower rate."""
        divisors = [d for d in range(1, self.step + 1) if self.step % d == 0]
        return max((d for d in divisors if self.sample_rate // d >= LOWEST_RATE), default=1)


def loudest_frames(waveform: Samples, grid: Grid) -> NDArray[np.int64]:
    """Frames that may have the clip's maximum: int64 [batch, candidates].

    waveform: float32 [batch, samples]
    """
    count = min(N_CANDIDATES, grid.n_frames)
    rankings = (_low_peaks(waveform, grid), _energies(waveform, grid))
    candidates = [np.argpartition(scores, -count, axis=1)[:, -count:] for scores in rankings]
    return np.concatenate(candidates, axis=1)


def _low_peaks(waveform: Samples, grid: Grid) -> Samples:
    """The highest bin of each frame at a lower rate: [batch, frames]."""
    low = _grouped(waveform, grid.decimation).sum(axis=2)
    windows = _windows(low, grid, block_samples=grid.decimation)
    spectrum = np.fft.rfft(windows * hann_window(windows.shape[2]))
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    peaks: Samples = power.max(axis=2)
    return peaks


def _energies(waveform: Samples, grid: Grid) -> Samples:
    """The energy of each frame under a window made of steps: [batch, frames]."""
    groups = _grouped(waveform, grid.step)
    blocks = np.einsum("bgs,bgs->bg", groups, groups)
    n_blocks = grid.fft_size // grid.step
    weights = np.sin(math.pi * (np.arange(n_blocks) + 0.5) / n_blocks) ** 4  # Hann, squared
    energies: Samples = _windows(blocks, grid, block_samples=grid.step) @ weights.astype(np.float32)
    return energies


def _windows(blocks: Samples, grid: Grid, *, block_samples: int) -> Samples:
    size, hop = grid.fft_size // block_samples, grid.hop_samples // block_samples
    return windows_of(blocks, size=size, hop=hop, n_frames=grid.n_frames)


def _grouped(samples: Samples, size: int) -> Samples:
    """[batch, samples] as [batch, groups, size]; an incomplete group is left out."""
    n_groups = samples.shape[1] // size
    return samples[:, : n_groups * size].reshape(len(samples), n_groups, size)
