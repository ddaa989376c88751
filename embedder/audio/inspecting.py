"""Decode a file once and measure technical faults: silence, clipping, missing ends, channels.

These are measurements only; `index.audit` judges them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.audio.channels import mono_of
from embedder.audio.frames import placed_frames
from embedder.audio.measuring import SoundMeasures
from embedder.audio.promised_bytes import lacks_ogg_end, sound_bytes
from embedder.audio.records import Waveform
from embedder.audio.resampling import resampled
from embedder.audio.source import open_source
from embedder.errors import UnreadableAudio

MOST_SECONDS = 1800.0
"""Only so much of a file is decoded; the length of a longer file is looked up."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Measurements of one file. Shares are of its samples or of its time, 0…1."""

    said_seconds: float | None
    """The length in the headers; None: they only guess."""
    found_seconds: float
    lacks_end: bool
    """The container should mark its end, and does not (Ogg)."""
    n_channels: int
    peak: float
    clipped_share: float
    quiet_share: float
    side_level: float
    """How loud the difference of two channels is relative to their sum; 0 for mono."""
    low_side_level: float
    """The same without treble, which encoders invent."""
    quieter_channel_level: float
    """How loud the quietest channel is relative to the loudest; 1 for mono."""
    damaged_parts: int
    waveform: Waveform
    """The mean of the channels at the requested rate, up to `kept_seconds`."""


def inspect_audio(
    path: Path,
    *,
    sample_rate: int,
    kept_seconds: float = MOST_SECONDS,
    max_seconds: float = MOST_SECONDS,
) -> Inspection:
    """Decode a file to its end, or to `max_seconds`; raises AudioError if it has no audio.

    kept_seconds: how much of the beginning is returned as `waveform`.
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
        found_seconds = measures.n_samples / native
        if measures.n_samples >= max_seconds * native:
            found_seconds = max(found_seconds, source.measure_seconds())
        said_seconds = None if info.is_estimated else info.duration_seconds
        n_bytes = sound_bytes(path)
        if n_bytes is not None and n_bytes.held:
            said_seconds = found_seconds * n_bytes.promised / n_bytes.held
        lacks_end = info.container == "ogg" and lacks_ogg_end(path)
    if not measures.n_samples:
        raise UnreadableAudio(path, "nothing in it can be decoded")
    samples = np.concatenate(monos)[: round(kept_seconds * native)]
    return Inspection(
        said_seconds=said_seconds,
        found_seconds=found_seconds,
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
    """The same for decoded audio: float32 [samples], full scale at ±1, one channel."""
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
    """Integers are full scale at the end of their range; unsigned ones are 0 in its middle."""
    levels: NDArray[np.float32] = values.astype(np.float32)
    if values.dtype == np.uint8:
        return levels / np.float32(128) - np.float32(1)
    if np.issubdtype(values.dtype, np.integer):
        return levels / np.float32(-float(np.iinfo(values.dtype).min))
    return levels
