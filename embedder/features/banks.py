"""Tables from the bins of a spectrum to rows: mel bands, symmetric-log rows, constant-Q kernels.

They are pure functions of the settings and a sample rate; the front ends cache their results.
"""

import math

import torch
from torch import Tensor

from embedder.config.model import FrontEndConfig
from embedder.errors import ConfigError

C1_HZ = 32.703
"""The lowest row of a constant-Q transform if `min_hz` is 0."""


def highest_hz(config: FrontEndConfig, sample_rate: int) -> float:
    """The upper end of the range: `max_hz`, at most half the rate."""
    return min(config.max_hz or sample_rate / 2, sample_rate / 2)


def mel_bank(config: FrontEndConfig, sample_rate: int) -> Tensor:
    """Slaney's mel bands, triangles of unit area: float32 [rows, bins].

    A band between two bins is empty. At a file's own rate that is not a mistake in the settings,
    so there is no warning. (torchaudio's function warns and is otherwise the same.)
    """
    edges = mel_edges(config, sample_rate)[:, None]
    bins = torch.arange(config.fft_size // 2 + 1, dtype=torch.float64)
    hertz = bins * (sample_rate / config.fft_size)
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    triangles = torch.minimum(rising, falling).clamp_(min=0)
    return (triangles * 2 / (edges[2:] - edges[:-2])).float()


def mel_edges(config: FrontEndConfig, sample_rate: int) -> Tensor:
    """Edges in hertz: band m is from edge m to m + 2, its peak at m + 1. float64 [rows + 2]."""
    return _equal_mels(config, sample_rate, n_steps=config.n_bins + 1)


def mel_between(config: FrontEndConfig, sample_rate: int) -> Tensor:
    """The frequencies halfway (in mel) between the peaks of bands: float64 [rows + 1]."""
    return _equal_mels(config, sample_rate, n_steps=2 * (config.n_bins + 1))[1:-1:2]


def _equal_mels(config: FrontEndConfig, sample_rate: int, *, n_steps: int) -> Tensor:
    ends = [config.min_hz, highest_hz(config, sample_rate)]
    low, high = _hz_to_mel(torch.tensor(ends, dtype=torch.float64)).tolist()
    return _mel_to_hz(torch.linspace(low, high, n_steps + 1, dtype=torch.float64))


def log_frequency_bins(config: FrontEndConfig, sample_rate: int) -> Tensor:
    """The bin that each row shows, int64 [rows]: the bin nearest to the row's centre."""
    centres = _log_frequency_points(config, sample_rate, halves=True)[1::2]
    bins = torch.round(centres * config.fft_size / sample_rate).long()
    return bins.clamp_(0, config.fft_size // 2)


def log_frequency_edges(config: FrontEndConfig, sample_rate: int) -> Tensor:
    """The frequencies between the rows in hertz, lowest first: float64 [rows + 1]."""
    return _log_frequency_points(config, sample_rate, halves=False)


def _log_frequency_points(config: FrontEndConfig, sample_rate: int, *, halves: bool) -> Tensor:
    """Row edges (and, between them, centres), equally spaced on a symmetric-log axis.

    With corner t, u(f) = f below t and t × (1 + log2(f / t)) above.
    """
    corner = config.corner_hz
    ends = torch.tensor([config.min_hz, highest_hz(config, sample_rate)], dtype=torch.float64)
    above = corner * (1 + torch.log2(ends.clamp(min=corner) / corner))
    low, high = torch.where(ends <= corner, ends, above).tolist()
    n_points = config.n_bins * (2 if halves else 1) + 1
    points = torch.linspace(low, high, n_points, dtype=torch.float64)
    return torch.where(points <= corner, points, corner * torch.exp2(points / corner - 1))


def cqt_frequencies(config: FrontEndConfig) -> Tensor:
    """The rows of a constant-Q transform in hertz, lowest first: float64 [rows]."""
    steps = torch.arange(config.n_bins, dtype=torch.float64) / config.bins_per_octave
    return (config.min_hz or C1_HZ) * torch.exp2(steps)


def cqt_quality(config: FrontEndConfig) -> float:
    """A row's frequency over its width: the same for all rows."""
    step: float = 2.0 ** (1.0 / config.bins_per_octave)
    return (step**2 + 1) / (step**2 - 1)


def cqt_groups(config: FrontEndConfig, sample_rate: int) -> list[Tensor]:
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
        times = torch.arange(-reach, reach + 1, dtype=torch.float64)[:, None]
        inside = times.abs() < lengths / 2
        window = torch.where(inside, 0.5 + 0.5 * torch.cos(2 * math.pi * times / lengths), 0.0)
        audible = rows * (1 + 0.5 / quality) <= sample_rate / 2
        window = window / window.sum(dim=0) * (audible & (rows <= limit_hz))
        phase = 2 * math.pi * rows * times / sample_rate
        groups.append(torch.cat([window * phase.cos(), window * phase.sin()], dim=1).float())
    return groups


# Slaney's mel scale ("Auditory Toolbox", 1998): linear below 1 kHz, logarithmic above.
_HZ_PER_MEL = 200 / 3
_CORNER_HZ = 1000.0
_LOG_STEP = math.log(6.4) / 27


def _hz_to_mel(hertz: Tensor) -> Tensor:
    above = _CORNER_HZ / _HZ_PER_MEL + torch.log(hertz.clamp(min=1) / _CORNER_HZ) / _LOG_STEP
    return torch.where(hertz < _CORNER_HZ, hertz / _HZ_PER_MEL, above)


def _mel_to_hz(mels: Tensor) -> Tensor:
    corner = _CORNER_HZ / _HZ_PER_MEL
    return torch.where(
        mels < corner, mels * _HZ_PER_MEL, _CORNER_HZ * torch.exp((mels - corner) * _LOG_STEP)
    )
