"""Tables from the bins of a spectrum to rows: mel bands, symmetric-log rows, constant-Q kernels.

They are pure functions of the settings and a sample rate; the front ends cache their results.
Both front ends, in torch and in numpy, use them.
"""

import math

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import FrontEndConfig
from embedder.errors import ConfigError

C1_HZ = 32.703
"""The lowest row of a constant-Q transform if `min_hz` is 0."""


Table = NDArray[np.float32]
Points = NDArray[np.float64]


def highest_hz(config: FrontEndConfig, sample_rate: int) -> float:
    """The upper end of the range: `max_hz`, at most half the rate."""
    return min(config.max_hz or sample_rate / 2, sample_rate / 2)


def mel_bank(config: FrontEndConfig, sample_rate: int) -> Table:
    """Slaney's mel bands, triangles of unit area: float32 [rows, bins].

    A band between two bins is empty. At a file's own rate that is not a mistake in the settings,
    so there is no warning. (torchaudio's function warns and is otherwise the same.)
    """
    edges = mel_edges(config, sample_rate)[:, None]
    hertz = np.arange(config.fft_size // 2 + 1) * (sample_rate / config.fft_size)
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(np.minimum(rising, falling), 0)
    bank: Table = (triangles * 2 / (edges[2:] - edges[:-2])).astype(np.float32)
    return bank


def mel_edges(config: FrontEndConfig, sample_rate: int) -> Points:
    """Edges in hertz: band m is from edge m to m + 2, its peak at m + 1. float64 [rows + 2]."""
    return _equal_mels(config, sample_rate, n_steps=config.n_bins + 1)


def mel_between(config: FrontEndConfig, sample_rate: int) -> Points:
    """The frequencies halfway (in mel) between the peaks of bands: float64 [rows + 1]."""
    return _equal_mels(config, sample_rate, n_steps=2 * (config.n_bins + 1))[1:-1:2]


def _equal_mels(config: FrontEndConfig, sample_rate: int, *, n_steps: int) -> Points:
    low, high = _hz_to_mel(np.array([config.min_hz, highest_hz(config, sample_rate)]))
    return _mel_to_hz(np.linspace(low, high, n_steps + 1))


def log_frequency_bins(config: FrontEndConfig, sample_rate: int) -> NDArray[np.int64]:
    """The bin that each row shows, int64 [rows]: the bin nearest to the row's centre."""
    centres = _log_frequency_points(config, sample_rate, halves=True)[1::2]
    bins = np.round(centres * config.fft_size / sample_rate).astype(np.int64)
    return np.clip(bins, 0, config.fft_size // 2)


def log_frequency_edges(config: FrontEndConfig, sample_rate: int) -> Points:
    """The frequencies between the rows in hertz, lowest first: float64 [rows + 1]."""
    return _log_frequency_points(config, sample_rate, halves=False)


def _log_frequency_points(config: FrontEndConfig, sample_rate: int, *, halves: bool) -> Points:
    """Row edges (and, between them, centres), equally spaced on a symmetric-log axis.

    With corner t, u(f) = f below t and t × (1 + log2(f / t)) above.
    """
    corner = config.corner_hz
    ends = np.array([config.min_hz, highest_hz(config, sample_rate)])
    above = corner * (1 + np.log2(np.maximum(ends, corner) / corner))
    low, high = np.where(ends <= corner, ends, above)
    points = np.linspace(low, high, config.n_bins * (2 if halves else 1) + 1)
    return np.where(points <= corner, points, corner * np.exp2(points / corner - 1))


def cqt_frequencies(config: FrontEndConfig) -> Points:
    """The rows of a constant-Q transform in hertz, lowest first: float64 [rows]."""
    steps = np.arange(config.n_bins) / config.bins_per_octave
    frequencies: Points = (config.min_hz or C1_HZ) * np.exp2(steps)
    return frequencies


def cqt_quality(config: FrontEndConfig) -> float:
    """A row's frequency over its width: the same for all rows."""
    step: float = 2.0 ** (1.0 / config.bins_per_octave)
    return (step**2 + 1) / (step**2 - 1)


def cqt_groups(config: FrontEndConfig, sample_rate: int) -> list[Table]:
    """Constant-Q kernels, an octave of rows to a group: each float32 [window, 2 × rows].

    The first half of a group's columns is the cosine part, the second half the sine part. A kernel
    is a Hann window of Q periods with unit sum, centred in the group's window (Brown 1991,
    "Calculation of a constant Q spectral transform"). Rows whose width passes half the rate or
    whose frequency passes `max_hz` are silent.
    """
    frequencies, quality = cqt_frequencies(config), cqt_quality(config)
    limit_hz = highest_hz(config, sample_rate)
    if config.sample_rate and float(frequencies[-1]) > limit_hz:
        raise ConfigError(
            f"n_bins = {config.n_bins}: the highest of {config.bins_per_octave} rows an octave is "
            f"{float(frequencies[-1]):.0f} Hz, above {limit_hz:.0f} Hz. Lower n_bins or min_hz."
        )
    groups = []
    for start in range(0, config.n_bins, config.bins_per_octave):
        rows = frequencies[start : start + config.bins_per_octave]
        lengths = quality * sample_rate / rows
        reach = math.ceil(float(lengths[0]) / 2)
        times = np.arange(-reach, reach + 1)[:, None]
        inside = np.abs(times) < lengths / 2
        window = np.where(inside, 0.5 + 0.5 * np.cos(2 * math.pi * times / lengths), 0.0)
        audible = rows * (1 + 0.5 / quality) <= sample_rate / 2
        window = window / window.sum(axis=0) * (audible & (rows <= limit_hz))
        phase = 2 * math.pi * rows * times / sample_rate
        parts = [window * np.cos(phase), window * np.sin(phase)]
        groups.append(np.concatenate(parts, axis=1).astype(np.float32))
    return groups


def cosine_transform(n_coefficients: int, *, n_rows: int) -> Table:
    """The orthonormal cosine transform of type II: float32 [coefficients, rows]."""
    positions = np.arange(n_rows) + 0.5
    cosines = np.cos(math.pi / n_rows * positions * np.arange(n_coefficients)[:, None])
    scale = np.full((n_coefficients, 1), math.sqrt(2 / n_rows))
    scale[0] = math.sqrt(1 / n_rows)
    table: Table = (cosines * scale).astype(np.float32)
    return table


# Slaney's mel scale ("Auditory Toolbox", 1998): linear below 1 kHz, logarithmic above.
_HZ_PER_MEL = 200 / 3
_CORNER_HZ = 1000.0
_LOG_STEP = math.log(6.4) / 27


def _hz_to_mel(hertz: Points) -> Points:
    above = _CORNER_HZ / _HZ_PER_MEL + np.log(np.maximum(hertz, 1) / _CORNER_HZ) / _LOG_STEP
    return np.where(hertz < _CORNER_HZ, hertz / _HZ_PER_MEL, above)


def _mel_to_hz(mels: Points) -> Points:
    corner = _CORNER_HZ / _HZ_PER_MEL
    return np.where(
        mels < corner, mels * _HZ_PER_MEL, _CORNER_HZ * np.exp((mels - corner) * _LOG_STEP)
    )
