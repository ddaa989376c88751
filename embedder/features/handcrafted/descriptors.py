"""The descriptors by name, each from samples to one vector."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.features.handcrafted.loudness import N_BANDS
from embedder.features.handcrafted.rhythm import PATTERN_SIZE, rhythm_patterns
from embedder.features.handcrafted.statistics import MFCC_SIZE, mfcc_statistics, spectrum_statistics


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A way to describe audio in a fixed number of values.

    describe: (samples float32 [samples], sample rate) → float32 [size]
    """

    name: str
    size: int
    describe: Callable[[NDArray[np.float32], int], NDArray[np.float32]]


DESCRIPTORS: dict[str, Descriptor] = {
    descriptor.name: descriptor
    for descriptor in (
        Descriptor("mfcc", MFCC_SIZE, mfcc_statistics),
        Descriptor("spectrum", 7 * N_BANDS, spectrum_statistics),
        Descriptor("rhythm-patterns", PATTERN_SIZE, rhythm_patterns),
    )
}
