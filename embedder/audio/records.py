"""What reading an audio file returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file says about itself, before anything is decoded."""

    duration_seconds: float | None
    """None: the file does not say, and only reading all of it can tell."""
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
        """How long it sounds."""
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
    """How many samples of each stretch, from its beginning, the file has."""
    duration_seconds: float
    """The file's length: as its header says, or measured if that is missing or wrong."""
