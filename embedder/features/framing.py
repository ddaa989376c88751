"""The parts of a waveform that become columns.

Frames lie on a grid of one hop. Each is centred on its instant, with silence beyond both ends:

    samples     |........................................|
    frame 0  [---|---]
    frame 1      [---|---]                                      frame k is centred on k × hop;
    frame N-1                                     [---|---]     N = 1 + samples // hop

A front end takes every frame, or `n_columns` of them spread over the excerpt; then only these are
copied and transformed. Windows are views of one padded buffer, so nothing else is copied.
"""

import torch
from torch import Tensor

from embedder.features.frames import count_frames


def frame_windows(waveform: Tensor, *, window_samples: int, hop_samples: int) -> Tensor:
    """Every frame of the grid as a view, without copying.

    waveform: float32 [batch, samples] → [batch, frames, window_samples]
    """
    n_frames = count_frames(waveform.shape[-1], hop_samples)
    before = window_samples // 2
    after = (n_frames - 1) * hop_samples + window_samples - before - waveform.shape[-1]
    padded = torch.nn.functional.pad(waveform, (before, max(after, 0)))
    return padded.unfold(-1, window_samples, hop_samples)[:, :n_frames]


def take_frames(windows: Tensor, frames: Tensor) -> Tensor:
    """Copy single frames out of the view of all.

    windows: [batch, all frames, window]; frames: int64 [1 or batch, n_columns]
    → [batch, n_columns, window]
    """
    if len(frames) == 1:
        return windows[:, frames[0]]
    items = torch.arange(len(windows), device=windows.device)[:, None]
    return windows[items, frames]
