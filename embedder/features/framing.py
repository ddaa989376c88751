"""Which stretches of samples become columns.

Frames stand on a grid of one hop, each centred on its instant, with silence beyond both ends:

    samples     |........................................|
    frame 0  [---|---]
    frame 1      [---|---]                                      frame k is centred on k × hop;
    frame N-1                                     [---|---]     N = 1 + samples // hop

A front end takes every frame, or `n_columns` of them spread over the excerpt; then only those are
copied and transformed. No sample is looked at twice here: windows are views of one padded buffer.
"""

import torch
from torch import Tensor

from embedder.config.model import FrontEndConfig


def count_frames(n_samples: int, hop_samples: int) -> int:
    """How many frames of the grid a stretch of samples has."""
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
    frame_shift: Tensor | None = None,
    device: torch.device | None = None,
) -> Tensor:
    """The frame that each column shows: int64 [1 or batch, n_columns].

    Column c covers the c-th part of the excerpt (of its first `column_span`) and shows the frame in
    its middle, moved by `column_shift_seconds`.
    frame_shift: float [batch or 1, n_columns or 1], a part of a column's own stretch (−0.5 its
    beginning, 0.5 its end), for training on other instants.
    """
    middles = torch.arange(config.n_columns, device=device, dtype=torch.float64)[None] + 0.5
    if frame_shift is not None:
        middles = middles + frame_shift.to(middles)
    shift_frames = config.column_shift_seconds * sample_rate / config.hop_samples
    frames_per_column = config.column_span * n_frames / config.n_columns
    frames = torch.floor(middles * frames_per_column + shift_frames)
    return frames.long().clamp_(0, n_frames - 1)


def take_frames(windows: Tensor, frames: Tensor) -> Tensor:
    """Copy single frames out of the view of all.

    windows: [batch, all frames, window]; frames: int64 [1 or batch, wanted]
    → [batch, wanted, window]
    """
    if len(frames) == 1:
        return windows[:, frames[0]]
    items = torch.arange(len(windows), device=windows.device)[:, None]
    return windows[items, frames]


def random_frame_shift(
    n_items: int, n_columns: int, *, generator: torch.Generator, width: float = 1.0
) -> Tensor:
    """A shift for each column of each item, uniform in ±width/2 of the column's stretch.

    → float32 [n_items, n_columns], on the generator's device
    """
    shape = (n_items, n_columns)
    drawn = torch.rand(shape, generator=generator, device=generator.device)
    return (drawn - 0.5) * width
