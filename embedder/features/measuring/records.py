"""Records of measuring: the sound of a track, and what was measured of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embedder.audio.records import Sides


@dataclass(frozen=True, slots=True, eq=False)
class TrackSound:
    """Up to 30 seconds from the middle of a track, or all of a shorter one.

    samples: float32 [samples], mono; full scale at ±1
    """

    samples: NDArray[np.float32]
    sample_rate: int
    start_seconds: float
    """Where in the file the samples start."""
    sides: Sides | None = None
    """What the mono mix lacks; None for a mono file, and for sound in memory."""


@dataclass(frozen=True, slots=True)
class Values:
    """What a measurer gives."""

    fields: Mapping[str, str] = field(default_factory=dict)
    """Values by field of the library: they can be shown, filtered and sorted by."""
    data: bytes = b""
    """Anything else, in a form that only the measurer's own module reads."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measurer gave for one track."""

    measurer: str
    version: int
    values: Values
