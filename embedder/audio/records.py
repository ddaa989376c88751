"""What reading a sound file gives back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file says about itself, before anything is decoded."""

    duration_seconds: float | None
    """None where the file does not say; only reading it through tells."""
    sample_rate: int
    n_channels: int
    codec: str
    container: str
    is_estimated: bool
    """The length is FFmpeg's guess from the bit rate (an MP3 without a length header)."""


@dataclass(frozen=True, slots=True)
class Waveform:
    """One stretch of mono sound.

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
    """Stretches of one file, all of one length.

    samples: float32 [stretches, samples]; zeros where a stretch reaches beyond the file
    """

    samples: NDArray[np.float32]
    sample_rate: int
    starts_seconds: tuple[float, ...]
    n_read: tuple[int, ...]
    """How many samples of each stretch, from its beginning, the file really had."""
    duration_seconds: float
    """The file's length: what it says, or what was measured where it says nothing or lies."""
