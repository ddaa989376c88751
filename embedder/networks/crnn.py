"""A convolutional recurrent network: convolutions see what sounds, a GRU how it goes on.

After Choi et al., Convolutional recurrent neural networks for music classification, 2017:

    [batch, rows, columns] ─stages of plain-cnn─ features × columns left ─GRU × 2─▶
    [batch, filters of the last stage, columns left]

The GRU reads the columns in order, so pool and stride decide how many steps it takes.
"""

from torch import Tensor, nn

from embedder.config.model import BackboneConfig
from embedder.networks.plain_cnn import PlainCnn

N_RECURRENT_LAYERS = 2


class Crnn(nn.Module):
    """Spectrogram [batch, rows, columns] to features [batch, n_features, columns left]."""

    def __init__(self, config: BackboneConfig, *, n_rows: int) -> None:
        super().__init__()
        self.convolutions = PlainCnn(config, n_rows=n_rows)
        self.n_features = config.filters[-1]
        self.recurrent = nn.GRU(
            self.convolutions.n_features,
            self.n_features,
            num_layers=N_RECURRENT_LAYERS,
            batch_first=True,
            dropout=config.dropout,
        )

    def forward(self, spectrogram: Tensor) -> Tensor:
        """[batch, rows, columns] to [batch, n_features, columns left]."""
        maps = self.convolutions(spectrogram)
        states: Tensor = self.recurrent(maps.transpose(1, 2))[0]
        return states.transpose(1, 2)
