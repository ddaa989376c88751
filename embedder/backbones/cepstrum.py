"""What needs no learning: the overall timbre of a spectrogram, beside a network's own features.

Cepstral coefficients, the mean and the deviation of each over time, are what MFCC-based searches
compare. They tell recordings of one artist from others about as well as a network that was trained
for genres does, and by other means, so the two together do better.
"""

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
        with torch.autocast(spectrogram.device.type, enabled=False):  # bf16 has too few digits
            levels = spectrogram.float()
            bank = torchaudio.functional.create_dct(
                self.n_coefficients + 1, levels.shape[1], norm="ortho"
            ).to(levels)
            coefficients = bank[:, 1:].T @ levels
            scaled: Tensor = self.norm(self.pooling(coefficients))
        return scaled
