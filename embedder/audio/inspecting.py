"""Hear a file through once and say what is technically wrong with it: silence, clipping, lost ends,
two channels that are one. Judgements stand above; here are the measurements.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.audio.frames import mono_of, placed_frames
from embedder.audio.records import Waveform
from embedder.audio.resampling import resampled
from embedder.audio.source import open_source
from embedder.errors import UnreadableAudio

FULL_SCALE = 0.999
"""What lies at or beyond it may have been cut off there."""
CLIPPED_RUN = 3
"""So many samples at full scale in a row are no peak any more."""
QUIET = 1e-3
"""-60 dB below full scale."""
BLOCK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Inspection:
    """Measurements of one file. Shares are of its samples or moments, 0…1."""

    said_seconds: float | None
    """None where the headers only guess."""
    found_seconds: float
    n_channels: int
    peak: float
    clipped_share: float
    quiet_share: float
    side_level: float
    """How loud the difference of two channels is beside their sum; 0 for mono."""
    quieter_channel_level: float
    """How loud the quietest channel is beside the loudest; 1 for mono."""
    damaged_parts: int
    waveform: Waveform
    """The mean of the channels, at the rate that was asked for."""


def inspect_audio(path: Path, *, sample_rate: int, max_seconds: float = 1800.0) -> Inspection:
    """Decode a file to its end, or to `max_seconds`; raises AudioError where nothing is there."""
    monos: list[NDArray[np.float32]] = []
    channels = _Channels()
    with open_source(path) as source:
        info, native = source.info(), source.sample_rate
        n_samples = 0
        for _, frame in placed_frames(source):
            mono = np.nan_to_num(mono_of(frame))
            monos.append(mono)
            values = frame.to_ndarray()
            if not frame.format.is_planar:
                values = values.reshape(-1, frame.layout.nb_channels).T
            channels.add(np.nan_to_num(_as_float(values)))
            n_samples += len(mono)
            if n_samples >= max_seconds * native:
                break
        n_damaged = source.n_damaged
    if not n_samples:
        raise UnreadableAudio(path, "nothing in it could be decoded")
    samples = np.concatenate(monos)
    said = None if info.is_estimated else info.duration_seconds
    is_whole = n_samples < max_seconds * native
    return Inspection(
        said_seconds=said if is_whole else None,
        found_seconds=n_samples / native,
        n_channels=info.n_channels,
        peak=channels.peak,
        clipped_share=channels.n_clipped / n_samples,
        quiet_share=_quiet_share(samples, native),
        side_level=channels.side_level,
        quieter_channel_level=channels.quieter_level,
        damaged_parts=n_damaged,
        waveform=Waveform(resampled(samples, from_rate=native, to_rate=sample_rate), sample_rate),
    )


class _Channels:
    """Sums over all channels, frame by frame."""

    def __init__(self) -> None:
        self.peak = 0.0
        self.n_clipped = 0
        self._squares: NDArray[np.float64] = np.zeros(1)
        self._side = self._middle = 0.0

    def add(self, values: NDArray[np.float32]) -> None:
        """values: float32 [channels, samples]"""
        magnitudes = np.abs(values)
        loudest = float(magnitudes.max(initial=0.0))
        self.peak = max(self.peak, loudest)
        if loudest >= FULL_SCALE:
            self.n_clipped += int(max(_in_runs(row >= FULL_SCALE) for row in magnitudes))
        if len(self._squares) != len(values):
            self._squares = np.zeros(len(values))
        self._squares += np.square(values, dtype=np.float64).sum(axis=1)
        if len(values) == 2:
            self._side += float(np.square(values[0] - values[1], dtype=np.float64).sum())
            self._middle += float(np.square(values[0] + values[1], dtype=np.float64).sum())

    @property
    def side_level(self) -> float:
        return float(np.sqrt(self._side / self._middle)) if self._middle > 0 else 0.0

    @property
    def quieter_level(self) -> float:
        loudest = self._squares.max()
        return float(np.sqrt(self._squares.min() / loudest)) if loudest > 0 else 1.0


def _in_runs(at_limit: NDArray[np.bool_]) -> int:
    """How many of the samples stand in runs of at least `CLIPPED_RUN`."""
    edges = np.flatnonzero(np.diff(np.r_[False, at_limit, False].astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= CLIPPED_RUN].sum())


def _quiet_share(samples: NDArray[np.float32], sample_rate: int) -> float:
    length = max(round(BLOCK_SECONDS * sample_rate), 1)
    n_blocks = max(len(samples) // length, 1)
    blocks = np.array_split(samples[: n_blocks * length], n_blocks)
    return float(np.mean([np.abs(block).max(initial=0.0) < QUIET for block in blocks]))


def _as_float(values: NDArray[Any]) -> NDArray[np.float32]:
    """Whole numbers are full scale at the end of their range; unsigned ones around the middle."""
    levels: NDArray[np.float32] = values.astype(np.float32)
    if values.dtype == np.uint8:
        return levels / np.float32(128) - np.float32(1)
    if np.issubdtype(values.dtype, np.integer):
        return levels / np.float32(-float(np.iinfo(values.dtype).min))
    return levels
