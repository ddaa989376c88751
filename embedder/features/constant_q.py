"""The constant-Q transform: rows a semitone (or less) apart, with windows as long as their pitch
needs. It does not use `fft_size`.

Kernels are applied in time, with one matrix product for each octave, whose windows have similar
lengths. So high rows, which need short windows, do not pay for the longest.
"""

import torch
from torch import Tensor

from embedder.config.model import FrontEndConfig
from embedder.features.banks import cqt_groups
from embedder.features.spectral import SpectrogramFrontEnd


class ConstantQFrontEnd(SpectrogramFrontEnd):
    """`n_bins` rows from `min_hz` (0: from C1), `bins_per_octave` in each octave."""

    def __init__(self, config: FrontEndConfig) -> None:
        super().__init__(config)
        self._kernels: dict[tuple[int, torch.device], list[Tensor]] = {}
        if config.sample_rate:
            cqt_groups(config, config.sample_rate)  # refuse too many rows now, not later

    def window_samples(self, sample_rate: int) -> int:
        """The longest kernel."""
        return self._groups(sample_rate, torch.device("cpu"))[0].shape[0]

    def magnitudes(self, frames: Tensor, sample_rate: int) -> Tensor:
        """[batch, frames, window] → [batch, frames, rows]."""
        rows = []
        for kernels in self._groups(sample_rate, frames.device):
            start = (frames.shape[-1] - kernels.shape[0]) // 2
            products = frames[..., start : start + kernels.shape[0]] @ kernels
            cosines, sines = products.chunk(2, dim=-1)
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
                groups = cqt_groups(self.config, sample_rate)
                self._kernels[key] = [torch.from_numpy(kernels).to(device) for kernels in groups]
        return self._kernels[key]
