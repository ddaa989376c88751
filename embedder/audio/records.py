"""Records that reading an audio file returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The facts in a file's headers, before anything is decoded."""

    duration_seconds: float | None
    """None: the headers do not state it; only reading the whole file shows it."""
    sample_rate: int
    n_channels: int
    codec: str
    container: str
    is_estimated: bool
    """The length is FFmpeg's guess from the bit rate (an MP3 without a length header)."""


@dataclass(frozen=True, slots=True)
class Waveform:
    """A piece of mono audio.

    samples: float32 [samples], full scale at ±1
    """

    samples: NDArray[np.float32]
    sample_rate: int

    @property
    def duration_seconds(self) -> float:
        """The duration."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of one file, all of the same length.

    samples: float32 [stretches, samples]; zeros beyond the end of the file
    """

    samples: NDArray[np.float32]
    sample_rate: int
    starts_seconds: tuple[float, ...]
    n_read: tuple[int, ...]
    """How many samples of each stretch the file has, counted from the stretch's beginning."""
    duration_seconds: float
    """The file's length: as its header says, or measured if that is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file to read, and the rate to bring it to (0: the file's own)."""

    start_seconds: float
    seconds: float
    sample_rate: int = 0
    with_sides: bool = False
    """Whether to read `Sides`, too."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Short windows of what the mono mix of several channels lacks.

    signals: float32 [windows, signals, samples], at the file's own rate. Their powers, and
    `n_channels` times the power of the mono mix, are the power of all channels.
    """

    signals: NDArray[np.float32]
    starts_seconds: NDArray[np.float64]
    """Where in the file each window starts, in order: [windows]."""
    sample_rate: int
    n_channels: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """Spans of one file, which may differ in length and rate.

    samples: float32 [samples] of each span; zeros beyond the end of the file
    """

    samples: tuple[NDArray[np.float32], ...]
    native_rate: int
    """The file's own sample rate."""
    spans: tuple[Span, ...]
    n_read: tuple[int, ...]
    """How many samples of each span the file has, counted from the span's beginning."""
    duration_seconds: float
    """The file's length: as its header says, or measured if that is missing or wrong."""
    sides: Sides | None = None
    """Of the span that asks for them; None for mono."""
