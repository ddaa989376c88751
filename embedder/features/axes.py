"""The frequencies of rows and the times of columns."""

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import FrontEndConfig
from embedder.features.banks import cqt_frequencies, log_frequency_edges, mel_between

Edges = NDArray[np.float64]


def n_rows_of(config: FrontEndConfig) -> int:
    """How many rows a front end with these settings gives."""
    if config.kind == "waveform":
        return 1
    return config.n_coefficients if config.kind == "mfcc" else config.n_bins


def row_edges_hz(config: FrontEndConfig, sample_rate: int) -> Edges | None:
    """The frequencies between rows, lowest first: float64 [rows + 1]. None: rows have no pitch."""
    if config.kind == "log-mel":
        return mel_between(config, sample_rate)
    if config.kind == "log-frequency":
        return log_frequency_edges(config, sample_rate)
    if config.kind == "cqt":
        lower = cqt_frequencies(config) * 2 ** (-0.5 / config.bins_per_octave)
        return np.append(lower, lower[-1] * 2 ** (1 / config.bins_per_octave))
    return None


def row_positions(config: FrontEndConfig, sample_rate: int, hertz: Edges) -> Edges:
    """Frequencies as positions on the row axis (0: lower edge of row 0): float64, as `hertz`."""
    edges = row_edges_hz(config, sample_rate)
    if edges is None:
        raise ValueError(f"rows of {config.kind} have no frequencies")
    return np.asarray(np.interp(hertz, edges, np.arange(n_rows_of(config) + 1.0)))


def column_edges_seconds(
    config: FrontEndConfig, *, n_columns: int, sample_rate: int, n_samples: int
) -> Edges:
    """The times between columns, from the start of the audio: float64 [columns + 1]."""
    steps = np.arange(n_columns + 1.0)
    if config.kind == "waveform":
        return steps / sample_rate
    if config.n_columns:
        return steps * (config.column_span * n_samples / sample_rate / n_columns)
    return (steps - 0.5) * (config.hop_samples / sample_rate)
