"""Settings and audio that the tests of front ends share."""

import dataclasses
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedder.config.model import FrontEndConfig

RATE = 22050
KINDS = ("log-mel", "log-frequency", "mfcc", "cqt", "waveform")


def small(kind: str = "log-mel", **settings: Any) -> FrontEndConfig:
    base = FrontEndConfig(n_bins=48, fft_size=1024, n_coefficients=13)
    return dataclasses.replace(base, kind=kind, **settings)  # type: ignore[arg-type]  # a str


def music(n_items: int = 2, *, seconds: float = 3.0, rate: int = RATE, seed: int = 0) -> Tensor:
    """Chords of decaying tones over quiet noise, louder in the middle."""
    generator = torch.Generator().manual_seed(seed)
    times = torch.arange(round(seconds * rate)) / rate
    items = []
    for _ in range(n_items):
        hertz = 80 * 2 ** (torch.rand(6, 1, generator=generator) * 5)
        tones = torch.sin(2 * torch.pi * hertz * times) * torch.exp(-((3 * times) % 2))
        noise = torch.randn(len(times), generator=generator) * 0.003
        envelope = 0.2 + torch.exp(-((times / seconds - 0.4) ** 2) * 60)
        items.append((tones.mean(dim=0) * 0.5 + noise) * envelope)
    return torch.stack(items)


def decibels(levels: Tensor) -> NDArray[np.float32]:
    """Levels of an 80 dB scale in dB."""
    return np.asarray((levels.numpy() - 1) * 80)
