"""Variants of a recording, as spectrograms, that the default model is fitted to ignore.

Each function takes levels [tracks, rows, columns] whose rows are mel bands up to 22 050 Hz.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.default_model.merging import Indifference
from embedder.config.model import FrontEndConfig
from embedder.features.banks import mel_edges

RATE, OTHER_RATE = 44_100, 48_000


def first_half(levels: Tensor) -> Tensor:
    """The first 15 of 30 seconds."""
    return levels[:, :, : levels.shape[2] // 2]


def second_half(levels: Tensor) -> Tensor:
    """The last 15 of 30 seconds."""
    return levels[:, :, levels.shape[2] // 2 :]


def below(levels: Tensor, *, hertz: float) -> Tensor:
    """Without frequencies above `hertz`, as in a file of a lower sample rate."""
    is_below = torch.from_numpy(centres(RATE) < hertz)
    return levels * is_below[:, None]


def at_other_rate(levels: Tensor) -> Tensor:
    """With the rows of a 48 000 Hz file, which reach up to 24 000 Hz."""
    places = np.interp(centres(OTHER_RATE), centres(RATE), np.arange(levels.shape[1]), right=-1)
    is_there = torch.from_numpy(places >= 0)
    lower = torch.from_numpy(np.maximum(places, 0)).long()
    upper = (lower + 1).clamp(max=levels.shape[1] - 1)
    share = torch.from_numpy(places - np.floor(places)).to(levels.dtype)[:, None]
    interpolated = levels[:, lower] * (1 - share) + levels[:, upper] * share
    return interpolated * is_there[:, None]


def centres(sample_rate: int) -> NDArray[np.float64]:
    """The peak of each row's band, in hertz."""
    edges = mel_edges(FrontEndConfig(kind="log-mel"), sample_rate)
    return np.asarray(edges[1:-1].numpy(), dtype=np.float64)


INDIFFERENT_TO = (
    Indifference(second_half, strictness=15.0, first=first_half),
    Indifference(at_other_rate, strictness=90.0),
    Indifference(lambda levels: below(levels, hertz=8_000), strictness=1.0),
)
