"""How loud sound is, and where it is silent. Arrays in, numbers out."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
LOWEST_DB = -100.0
"""Anything quieter, digital silence too, has this level."""
PART_SECONDS = 0.02
"""The level is measured in parts of this length to find where sound begins and ends."""
MARGIN_SECONDS = 0.04
"""What is left on each side of the audible part, so that no attack is cut."""


def level_db(samples: Floats) -> float:
    """The root mean square in decibels below full scale: -3 for a sine at full scale."""
    if not len(samples):
        return LOWEST_DB
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(10 * float(np.log10(max(power, 1e-30))), LOWEST_DB)


def part_levels(samples: Floats, sample_rate: int) -> NDArray[np.float64]:
    """The levels of parts of 20 ms, one after another; the last one may be shorter: [parts]."""
    size = max(round(PART_SECONDS * sample_rate), 1)
    n_parts = -(-len(samples) // size)
    padded = np.zeros(n_parts * size, dtype=np.float64)
    padded[: len(samples)] = samples
    power = np.square(padded).reshape(n_parts, size).sum(axis=1)
    counts = np.full(n_parts, size)
    if n_parts:
        counts[-1] = len(samples) - (n_parts - 1) * size
    levels = 10 * np.log10(np.maximum(power / np.maximum(counts, 1), 1e-30))
    return np.asarray(np.maximum(levels, LOWEST_DB))


def audible_part(samples: Floats, sample_rate: int, *, silence_db: float) -> slice | None:
    """Where sound lies between silence at both ends; None if all of it is silent."""
    loud_parts = np.flatnonzero(part_levels(samples, sample_rate) >= silence_db)
    if not len(loud_parts):
        return None
    size = max(round(PART_SECONDS * sample_rate), 1)
    margin = round(MARGIN_SECONDS * sample_rate)
    first = max(int(loud_parts[0]) * size - margin, 0)
    return slice(first, min((int(loud_parts[-1]) + 1) * size + margin, len(samples)))


def widened(part: slice, n_least: int, *, n_samples: int) -> slice:
    """The part with at least `n_least` samples, if there are so many: first to its left."""
    n_missing = max(min(n_least, n_samples) - (part.stop - part.start), 0)
    first = max(part.start - n_missing, 0)
    return slice(first, part.stop + n_missing - (part.start - first))
