"""What needs no learning: the overall timbre of a spectrogram, beside a network's own features.

Cepstral coefficients, the mean and the deviation of each over time, are what MFCC-based searches
compare. They tell recordings of one artist from others about as well as a network that was trained
for genres does, and by other means, so the two together do better.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
import torchaudio
from torch import Tensor, nn

from embedder.backbones.pooling import StatisticsPooling


class Cepstrum(nn.Module):
    """Spectrogram [batch, rows, columns] to [batch, size], each number scaled alike."""

    def __init__(self, n_coefficients: int) -> None:
        super().__init__()
        self.n_coefficients = n_coefficients
        self.size = 2 * n_coefficients
        self.pooling = StatisticsPooling(n_coefficients)
        self.norm = nn.BatchNorm1d(self.size, eps=1e-8, affine=False)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Without the first coefficient, which is the loudness."""
        with _in_float32(spectrogram.device.type):
            levels = spectrogram.float()
            bank = torchaudio.functional.create_dct(
                self.n_coefficients + 1, levels.shape[1], norm="ortho"
            ).to(levels)
            coefficients = bank[:, 1:].T @ levels
            scaled: Tensor = self.norm(self.pooling(coefficients))
        return scaled


def _in_float32(device: str) -> AbstractContextManager[None]:
    """A difference of squares in bf16 is mostly rounding."""
    if not torch.amp.autocast_mode.is_autocast_available(device):  # the meta device, where only shapes count
        return nullcontext()
    return torch.autocast(device, enabled=False)
