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

from embedder.config.model import FrontEndConfig


def count_frames(n_samples: int, hop_samples: int) -> int:
    """How many frames the grid has over so many samples."""
    return 1 + n_samples // hop_samples


def frame_windows(waveform: Tensor, *, window_samples: int, hop_samples: int) -> Tensor:
    """Every frame of the grid as a view, without copying.

    waveform: float32 [batch, samples] → [batch, frames, window_samples]
    """
    n_frames = count_frames(waveform.shape[-1], hop_samples)
    before = window_samples // 2
    after = (n_frames - 1) * hop_samples + window_samples - before - waveform.shape[-1]
    padded = torch.nn.functional.pad(waveform, (before, max(after, 0)))
    return padded.unfold(-1, window_samples, hop_samples)[:, :n_frames]


def column_frames(
    config: FrontEndConfig,
    *,
    n_frames: int,
    sample_rate: int,
    device: torch.device | None = None,
) -> Tensor:
    """The frame that each column shows: int64 [1, n_columns].

    Column c covers the c-th part of the excerpt (of its first `column_span`) and shows the frame in
    the middle of it, moved by `column_shift_seconds`.
    """
    middles = torch.arange(config.n_columns, device=device, dtype=torch.float64)[None] + 0.5
    shift_frames = config.column_shift_seconds * sample_rate / config.hop_samples
    frames_per_column = config.column_span * n_frames / config.n_columns
    frames = torch.floor(middles * frames_per_column + shift_frames)
    return frames.long().clamp_(0, n_frames - 1)


def take_frames(windows: Tensor, frames: Tensor) -> Tensor:
    """Copy single frames out of the view of all.

    windows: [batch, all frames, window]; frames: int64 [1 or batch, n_columns]
    → [batch, n_columns, window]
    """
    if len(frames) == 1:
        return windows[:, frames[0]]
    items = torch.arange(len(windows), device=windows.device)[:, None]
    return windows[items, frames]
