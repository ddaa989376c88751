"""The constant-Q transform: rows a semitone (or less) apart, with windows as long as their pitch
needs. `fft_size` plays no part in it.

Kernels are applied in time, an octave to a product of matrices: its windows are about equally
long, and there is no transform of the longest window for rows that need a fraction of it.
"""

import torch
from torch import Tensor

from embedder.config.model import FrontEndConfig
from embedder.features.banks import cqt_groups
from embedder.features.spectral import SpectrogramFrontEnd


class ConstantQFrontEnd(SpectrogramFrontEnd):
    """`n_bins` rows from `min_hz` (C1 where it is 0), `bins_per_octave` to an octave."""

    def __init__(self, config: FrontEndConfig) -> None:
        super().__init__(config)
        self._kernels: dict[tuple[int, torch.device], list[Tensor]] = {}
        if config.sample_rate:
            cqt_groups(config, config.sample_rate)  # too many rows are named now, not later

    def window_samples(self, sample_rate: int) -> int:
        """The longest kernel."""
        return self._groups(sample_rate, torch.device("cpu"))[0].shape[0]

    def magnitudes(self, frames: Tensor, sample_rate: int) -> Tensor:
        """[batch, frames, window] → [batch, frames, rows]."""
        rows = []
        for kernels in self._groups(sample_rate, frames.device):
            start = (frames.shape[-1] - kernels.shape[0]) // 2
            both = frames[..., start : start + kernels.shape[0]] @ kernels
            cosines, sines = both.chunk(2, dim=-1)
            rows.append(cosines.square() + sines.square())
        return torch.cat(rows, dim=-1).pow_(self.config.magnitude_power / 2)

    def full_scale(self, sample_rate: int, device: torch.device) -> Tensor:
        """A kernel of unit sum gives half the amplitude of a sine at its frequency."""
        del sample_rate
        return torch.tensor(0.5**self.config.magnitude_power, device=device)

    def _groups(self, sample_rate: int, device: torch.device) -> list[Tensor]:
        key = (sample_rate, device)
        if key not in self._kernels:
            with torch.inference_mode(mode=False):
                made = cqt_groups(self.config, sample_rate)
                self._kernels[key] = [kernels.to(device) for kernels in made]
        return self._kernels[key]
