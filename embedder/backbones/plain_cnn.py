"""A plain 2-D CNN over a spectrogram: convolution, batch normalisation, ReLU, pooling, repeated.

    [batch, 1, rows, columns] ─stage─stage─…─▶ [batch, filters, rows left, columns left]
    stage = (convolution, batch norm, ReLU) × convolutions_per_stage, max pooling, dropout

The first convolution of a stage strides. Frequency is not pooled further once its rows run out.
"""

from torch import Tensor, nn

from embedder.backbones.stages import row_shrinks, size_after
from embedder.config.model import BackboneConfig


class PlainCnn(nn.Module):
    """Spectrogram [batch, rows, columns] to features [batch, n_features, columns left]."""

    def __init__(self, config: BackboneConfig, *, n_rows: int) -> None:
        super().__init__()
        shrinks = row_shrinks(config, n_rows=n_rows)
        layers: list[nn.Module] = []
        n_in = 1
        for n_out, rows in zip(config.filters, shrinks, strict=True):
            for i in range(config.convolutions_per_stage):
                stride = (rows.stride, config.stride) if i == 0 else (1, 1)
                layers += _convolution(n_in, n_out, kernel=config.kernel, stride=stride)
                n_in = n_out
            if config.pool > 1:
                layers.append(nn.MaxPool2d((rows.pool, config.pool)))
            if config.dropout:
                layers.append(nn.Dropout2d(config.dropout))
        self.stages = nn.Sequential(*layers)
        self.n_features = config.filters[-1] * size_after(shrinks, n_rows)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """[batch, rows, columns] to [batch, n_features, columns left]."""
        maps: Tensor = self.stages(spectrogram.unsqueeze(1))
        return maps.flatten(1, 2)  # rows stay apart: high and low do not sound alike


def _convolution(n_in: int, n_out: int, *, kernel: int, stride: tuple[int, int]) -> list[nn.Module]:
    return [
        # No bias: batch normalisation would take it away again.
        nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    ]
