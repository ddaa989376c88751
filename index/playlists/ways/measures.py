"""Energy and tempo of a recording, measured in a few stretches of it. It needs numpy only.

Energy is loudness from 0 (silence) to 1 (full scale). Tempo is in beats per minute: the lag with
the largest autocorrelation of the onsets, with a preference for common tempi (120, within about an
octave; Ellis, "Beat tracking by dynamic programming", 2007, section 3.2).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.decoding import read_stretches
from embedder.errors import AudioError

SAMPLE_RATE = 11_025
STRETCH_SECONDS = 8.0
N_STRETCHES = 3
HOP = 128
WINDOW = 512
QUIETEST_DB = -60.0
SLOWEST, USUAL, FASTEST = 40.0, 120.0, 220.0
OCTAVES_WIDE = 0.9

Samples = NDArray[np.float32]


def measure(
    path: Path, *, start_seconds: float = 0.0, end_seconds: float | None = None
) -> dict[str, float]:
    """`energy` and `tempo` of a file or a part of it; empty if it cannot be decoded."""

    def plan(duration_seconds: float) -> list[float]:
        last = min(end_seconds or duration_seconds, duration_seconds) - STRETCH_SECONDS
        room = max(last - start_seconds, 0.0)
        n = min(N_STRETCHES, 1 + int(room // STRETCH_SECONDS))
        return [start_seconds + room * (2 * i + 1) / (2 * n) for i in range(n)]

    try:
        decoded = read_stretches(path, plan, seconds=STRETCH_SECONDS, sample_rate=SAMPLE_RATE)
    except AudioError:
        return {}
    stretches = [np.asarray(samples, dtype=np.float32) for samples in decoded.samples]
    measurements = {"energy": round(energy_of(np.concatenate(stretches)), 4)}
    tempi = [tempo for samples in stretches if (tempo := tempo_of(samples)) is not None]
    if tempi:
        measurements["tempo"] = round(float(np.median(tempi)), 1)
    return measurements


def energy_of(samples: Samples) -> float:
    """Loudness of samples [n]: the root mean square, from -60 dB (0) to 0 dB (1)."""
    power = float(np.square(samples, dtype=np.float64).mean()) if len(samples) else 0.0
    level_db = 10 * np.log10(max(power, 1e-12))
    return float(np.clip(1 - level_db / QUIETEST_DB, 0, 1))


def tempo_of(samples: Samples) -> float | None:
    """Beats per minute of samples [n] at SAMPLE_RATE; None without onsets."""
    if len(samples) < 2 * SAMPLE_RATE:
        return None
    onsets = _onsets(samples)
    if onsets.std() < 1e-3:
        return None
    n = len(onsets)
    spectrum = np.fft.rfft(onsets - onsets.mean(), 2 * n)
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)[:n] / np.arange(n, 0, -1)
    rate = SAMPLE_RATE / HOP
    lags = np.arange(int(60 * rate / FASTEST), min(int(60 * rate / SLOWEST), n - 1))
    octaves = np.log2(60 * rate / lags / USUAL)
    weighed = likeness[lags] * np.exp(-0.5 * (octaves / OCTAVES_WIDE) ** 2)
    best = int(weighed.argmax())
    return float(60 * rate / (lags[best] + _peak_offset(weighed, best)))


def _onsets(samples: Samples) -> NDArray[np.float64]:
    """The onset strength of each frame: the mean rise of the log spectrum over its rows."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    spectra = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1))
    levels = np.log1p(100 * spectra)
    rises: NDArray[np.float64] = np.maximum(np.diff(levels, axis=0), 0).mean(axis=1)
    return rises


def _peak_offset(values: NDArray[np.floating], top: int) -> float:
    """The offset of the peak of a parabola through the largest value and its neighbours."""
    if not 0 < top < len(values) - 1:
        return 0.0
    left, middle, right = values[top - 1 : top + 2]
    bend = left - 2 * middle + right
    return float(0.5 * (left - right) / bend) if bend else 0.0
