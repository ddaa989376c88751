"""A 1-D CNN on the waveform itself, as the sample-level CNN of Lee et al., 2017.

    stage = (convolution, batch norm, activation) × convolutions_per_stage, max pooling, dropout

The first convolution of a stage has the stride. It also takes spectrograms: rows are channels.
"""

from torch import Tensor, nn

from embedder.config.model import BackboneConfig
from embedder.networks.activations import build_activation


class WaveformCnn(nn.Module):
    """Waveform [batch, 1, samples] to features [batch, n_features, samples left]."""

    def __init__(self, config: BackboneConfig, *, n_rows: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_in = n_rows
        for n_out in config.filters:
            for i in range(config.convolutions_per_stage):
                layers += _convolution(
                    n_in, n_out, kernel=config.kernel, stride=config.stride if i == 0 else 1
                )
                layers.append(build_activation(config.activation))
                n_in = n_out
            if config.pool > 1:
                layers.append(nn.MaxPool1d(config.pool))
            if config.dropout:
                layers.append(nn.Dropout1d(config.dropout))
        self.stages = nn.Sequential(*layers)
        self.n_features = config.filters[-1]

    def forward(self, waveform: Tensor) -> Tensor:
        """[batch, 1, samples] to [batch, n_features, samples left]."""
        features: Tensor = self.stages(waveform)
        return features


def _convolution(n_in: int, n_out: int, *, kernel: int, stride: int) -> list[nn.Module]:
    return [
        # No bias: batch normalisation would remove it.
        nn.Conv1d(n_in, n_out, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm1d(n_out),
    ]
