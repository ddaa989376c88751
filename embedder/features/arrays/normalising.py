"""Normalise levels before a network reads them; `embedder.features.normalisation` in numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import Normalisation

MIN_DEVIATION = 0.02
"""Rows that hardly vary (above the bandwidth, say) are not amplified: 1.6 dB of 80 dB."""
MIN_CLIP_DEVIATION = 1e-4
"""A waveform's deviation is its level: only digital silence stays below this."""

Levels = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class RowStatistics:
    """Mean and variance of each row over the training tracks: float32 [rows] each."""

    mean: Levels
    variance: Levels


def normalised(levels: Levels, kind: Normalisation, statistics: RowStatistics | None) -> Levels:
    """[batch, rows, columns] to the same; "running" without statistics changes nothing."""
    if kind == "clip":
        mean = levels.mean(axis=(1, 2), keepdims=True)
        deviation = levels.std(axis=(1, 2), keepdims=True)
        by_clip: Levels = (levels - mean) / np.maximum(deviation, np.float32(MIN_CLIP_DEVIATION))
        return by_clip
    if kind == "running" and statistics is not None:
        deviation = np.maximum(np.sqrt(statistics.variance), np.float32(MIN_DEVIATION))
        by_row = (levels - statistics.mean[:, None]) / deviation[:, None]
        return by_row.astype(np.float32, copy=False)
    return levels
