"""Hear a file through once and say what is technically wrong with it: silence, clipping, lost ends,
two channels that are one. Judgements stand above; here are the measurements.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.audio.frames import mono_of, placed_frames
from embedder.audio.measuring import SoundMeasures
from embedder.audio.promised_bytes import lacks_ogg_end, sound_bytes
from embedder.audio.records import Waveform
from embedder.audio.resampling import resampled
from embedder.audio.source import open_source
from embedder.errors import UnreadableAudio

MOST_SECONDS = 1800.0
"""What lies behind is not listened to; of longer files the end is looked up."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Measurements of one file. Shares are of its samples or moments, 0…1."""

    said_seconds: float | None
    """None where the headers only guess."""
    found_seconds: float
    lacks_end: bool
    """The container marks its end, and there is no such mark (Ogg)."""
    n_channels: int
    peak: float
    clipped_share: float
    quiet_share: float
    side_level: float
    """How loud the difference of two channels is beside their sum; 0 for mono."""
    low_side_level: float
    """The same without treble, which encoders make up."""
    quieter_channel_level: float
    """How loud the quietest channel is beside the loudest; 1 for mono."""
    damaged_parts: int
    waveform: Waveform
    """The mean of the channels, at the rate that was asked for, as far as it was to be kept."""


def inspect_audio(
    path: Path,
    *,
    sample_rate: int,
    kept_seconds: float = MOST_SECONDS,
    max_seconds: float = MOST_SECONDS,
) -> Inspection:
    """Decode a file to its end, or to `max_seconds`; raises AudioError where nothing is there.

    kept_seconds: how much of the beginning is handed out as `waveform`.
    """
    monos: list[NDArray[np.float32]] = []
    with open_source(path) as source:
        info, native = source.info(), source.sample_rate
        measures = SoundMeasures(native)
        for _, frame in placed_frames(source):
            if measures.n_samples < kept_seconds * native:
                monos.append(np.nan_to_num(mono_of(frame)))
            values = frame.to_ndarray()
            if not frame.format.is_planar:
                values = values.reshape(-1, frame.layout.nb_channels).T
            measures.add(np.nan_to_num(_as_float(values)))
            if measures.n_samples >= max_seconds * native:
                break
        n_damaged = source.n_damaged
        found = measures.n_samples / native
        if measures.n_samples >= max_seconds * native:
            found = max(found, source.measure_seconds())
        said = None if info.is_estimated else info.duration_seconds
        counted = sound_bytes(path)
        if counted is not None and counted.held:
            said = found * counted.promised / counted.held
        lacks_end = info.container == "ogg" and lacks_ogg_end(path)
    if not measures.n_samples:
        raise UnreadableAudio(path, "nothing in it could be decoded")
    samples = np.concatenate(monos)[: round(kept_seconds * native)]
    return Inspection(
        said_seconds=said,
        found_seconds=found,
        lacks_end=lacks_end,
        n_channels=info.n_channels,
        peak=measures.peak,
        clipped_share=measures.clipped_share,
        quiet_share=measures.quiet_share,
        side_level=measures.side_level,
        low_side_level=measures.low_side_level,
        quieter_channel_level=measures.quieter_level,
        damaged_parts=n_damaged,
        waveform=Waveform(resampled(samples, from_rate=native, to_rate=sample_rate), sample_rate),
    )


def inspect_samples(samples: NDArray[np.float32], sample_rate: int) -> Inspection:
    """The same of sound that is there already: float32 [samples], full scale at ±1, one channel."""
    measures = SoundMeasures(sample_rate)
    measures.add(np.nan_to_num(samples)[None])
    return Inspection(
        said_seconds=None,
        found_seconds=len(samples) / sample_rate,
        lacks_end=False,
        n_channels=1,
        peak=measures.peak,
        clipped_share=measures.clipped_share,
        quiet_share=measures.quiet_share,
        side_level=0.0,
        low_side_level=0.0,
        quieter_channel_level=1.0,
        damaged_parts=0,
        waveform=Waveform(samples, sample_rate),
    )


def _as_float(values: NDArray[Any]) -> NDArray[np.float32]:
    """Whole numbers are full scale at the end of their range; unsigned ones around the middle."""
    levels: NDArray[np.float32] = values.astype(np.float32)
    if values.dtype == np.uint8:
        return levels / np.float32(128) - np.float32(1)
    if np.issubdtype(values.dtype, np.integer):
        return levels / np.float32(-float(np.iinfo(values.dtype).min))
    return levels
