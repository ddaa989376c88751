"""Which frames a front end takes: positions on a grid of one hop (see the drawing in `framing`)."""

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import FrontEndConfig


def count_frames(n_samples: int, hop_samples: int) -> int:
    """How many frames the grid has over so many samples."""
    return 1 + n_samples // hop_samples


def column_frames(config: FrontEndConfig, *, n_frames: int, sample_rate: int) -> NDArray[np.int64]:
    """The frame that each column shows: int64 [n_columns].

    Column c covers the c-th part of the excerpt (of its first `column_span`) and shows the frame in
    the middle of it, moved by `column_shift_seconds`.
    """
    middles = np.arange(config.n_columns) + 0.5
    shift_frames = config.column_shift_seconds * sample_rate / config.hop_samples
    frames_per_column = config.column_span * n_frames / config.n_columns
    frames = np.floor(middles * frames_per_column + shift_frames).astype(np.int64)
    inside: NDArray[np.int64] = np.clip(frames, 0, n_frames - 1)
    return inside
