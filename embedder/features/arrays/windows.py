"""Windows of frames as views of padded samples, and the Hann window."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def windows_of(samples: Samples, *, size: int, hop: int, n_frames: int) -> Samples:
    """[batch, samples] to a view [batch, n_frames, size]: frame k is centred on k × hop.

    Silence lies beyond both ends. See the drawing in `embedder.features.framing`.
    """
    before = size // 2
    after = max((n_frames - 1) * hop + size - before - samples.shape[1], 0)
    padded = np.pad(samples, ((0, 0), (before, after)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)
    return windows[:, ::hop][:, :n_frames]


def hann_window(size: int) -> Samples:
    """The periodic Hann window, float32 [size]."""
    window: Samples = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
    return window
