"""Tempo in beats per minute: which beat explains how the onsets repeat.

    levels ─▶ rises of all bands and of the bass ─▶ autocorrelation ─▶ for each tempo from 40 to
    240: the correlation at a quarter of its beat up to eight beats ─▶ weighted sum ─▶ the largest

The weights were fitted to MIDI files with known tempo (`benchmarks/measured_values.py`): one of
all tempi has to win, as in a softmax regression. A prior of three terms prefers usual tempi.
"""

import numpy as np
from numpy.typing import NDArray

from embedder.features.measuring.tempo_weights import PRIOR, WEIGHTS

SLOWEST, USUAL, FASTEST = 40.0, 120.0, 240.0
STEPS_PER_OCTAVE = 72
MULTIPLES = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1.0, 4 / 3, 3 / 2, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Of a beat: where the autocorrelation is looked at."""
SLACK = (-0.01, -0.005, 0.0, 0.005, 0.01)
"""A player drifts: the best correlation within one per cent counts."""
BASS_BANDS = 6
LARGEST_RISE_DB = 20.0
TREND_SECONDS = 1.0
SHORTEST_SECONDS = 3.0
FLAT = 0.05
"""Decibels: onsets that vary less are none."""

Array = NDArray[np.float64]


def onset_rises(levels: NDArray[np.float32]) -> Array:
    """The mean rise in decibels of all bands and of the lowest six: [frames - 1, 2].

    levels: [frames, bands], as of `mel_levels`
    """
    rises = np.clip(np.diff(levels, axis=0), 0, LARGEST_RISE_DB)
    return np.stack([rises.mean(axis=1), rises[:, :BASS_BANDS].mean(axis=1)], 1).astype(np.float64)


def repetition(rises: Array, frames_per_second: float) -> Array:
    """Autocorrelation of each column by lag in frames, 1 at lag 0: [frames, columns]."""
    n = len(rises)
    width = max(int(TREND_SECONDS * frames_per_second), 1)
    box = np.ones(width) / width
    steady = np.stack([np.convolve(column, box, "same")[:n] for column in rises.T], 1)
    spectrum = np.fft.rfft(rises - steady, 2 * n, axis=0)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[:n]
    correlation /= np.maximum(correlation[:1], 1e-9)
    return np.asarray(correlation * (n / np.arange(n, 0, -1))[:, None])


def tempo_of(rises: Array, correlation: Array, frames_per_second: float) -> float | None:
    """Beats per minute; None without onsets, or for less than three seconds."""
    if len(rises) < SHORTEST_SECONDS * frames_per_second or rises[:, 0].std() < FLAT:
        return None
    lags = 60 * frames_per_second / tempi()
    values = tempo_evidence(correlation, lags)
    octaves = np.log2(tempi() / USUAL)
    prior = np.stack([octaves, octaves**2, octaves**3]).T @ np.array(PRIOR)
    best = lags[int((values @ np.array(WEIGHTS).ravel() + prior).argmax())]
    return 60 * frames_per_second / _refined(correlation[:, 0], float(best))


def tempi() -> Array:
    """The tempi that are compared, about a per cent apart."""
    n = int(np.log2(FASTEST / SLOWEST) * STEPS_PER_OCTAVE) + 1
    return np.asarray(SLOWEST * 2 ** (np.arange(n) / STEPS_PER_OCTAVE))


def tempo_evidence(correlation: Array, lags: Array) -> Array:
    """The correlation near each multiple of each lag [t]: [t, multiples * columns]."""
    n, n_columns = correlation.shape
    at = lags[:, None, None] * np.array(MULTIPLES)[:, None] * (1 + np.array(SLACK))
    frames = np.arange(n)
    columns = [
        np.interp(at, frames, correlation[:, column], right=0.0).max(axis=2)
        for column in range(n_columns)
    ]
    return np.stack(columns, axis=2).reshape(len(lags), -1)


def _refined(correlation: Array, lag: float) -> float:
    """The lag within 1.5 % at which one to eight beats repeat best."""
    fine = lag * np.linspace(0.985, 1.015, 61)
    frames = np.arange(len(correlation))
    at = fine[:, None] * np.array([1, 2, 4, 8])
    strength = np.interp(at, frames, correlation, right=0.0).sum(axis=1)
    top = fine[strength >= strength.max() - 1e-9]
    return float(top[len(top) // 2])
