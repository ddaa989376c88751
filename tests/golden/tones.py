"""Sound for golden artefacts, the same on every machine."""

import math

import torch
from torch import Tensor


def chord() -> Tensor:
    """Half a second of three sines at 8 kHz, float32 [1, samples]."""
    seconds = torch.arange(4000, dtype=torch.float64) / 8000
    tones = [torch.sin(2 * math.pi * hertz * seconds) for hertz in (220.0, 277.2, 1318.5)]
    return (torch.stack(tones).sum(dim=0) / 4).float()[None]
