"""A plain 2-D CNN over a spectrogram: convolution, normalisation, activation, pooling, repeated.

block = convolution, batch norm, activation
"""

from embedder.config.model import BackboneConfig
from embedder.networks.staged_cnn import StagedCnn, convolution


class PlainCnn(StagedCnn):
    """Spectrogram [batch, rows, columns] to features [batch, n_features, columns left]."""

    def __init__(self, config: BackboneConfig, *, n_rows: int) -> None:
        super().__init__(config, n_rows=n_rows, block_layers=convolution)
