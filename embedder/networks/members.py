"""Several networks of one kind side by side, for example trained from several seeds.

Their features are concatenated, so that one projection reads them all. Each has the row
normalisation that it was trained with.
"""

import torch
from torch import Tensor, nn

from embedder.config.model import BackboneConfig
from embedder.networks.crnn import Crnn
from embedder.networks.moments import Moments
from embedder.networks.plain_cnn import PlainCnn
from embedder.networks.short_chunk import ShortChunkCnn
from embedder.networks.waveform_cnn import WaveformCnn

Backbone = PlainCnn | ShortChunkCnn | Crnn | WaveformCnn | Moments


class Members(nn.Module):
    """Spectrogram [batch, rows, columns] to features [batch, n_features, columns left]."""

    def __init__(self, build: type[Backbone], config: BackboneConfig, *, n_rows: int) -> None:
        super().__init__()
        backbones = [build(config, n_rows=n_rows) for _ in range(config.members)]
        self.n_features = sum(backbone.n_features for backbone in backbones)
        self.members = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(n_rows), backbone) for backbone in backbones
        )

    def forward(self, spectrogram: Tensor) -> Tensor:
        """[batch, rows, columns] to [batch, n_features, columns left]."""
        return torch.cat([member(spectrogram) for member in self.members], dim=1)
