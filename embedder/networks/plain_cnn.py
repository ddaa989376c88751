"""A plain 2-D CNN over a spectrogram: convolution, batch normalisation, ReLU, pooling, repeated.

    [batch, 1, rows, columns] ─stage─stage─…─▶ [batch, filters, rows left, columns left]
    stage = (convolution, batch norm, ReLU) × convolutions_per_stage, max pooling, dropout

The first convolution of a stage has the stride. Stages with too few rows do not pool them. Stages
after the first `time_stages` treat each column alone.
"""

from torch import Tensor, nn

from embedder.config.model import BackboneConfig
from embedder.networks.stages import column_shrinks, kernel_of, row_shrinks, size_after


class PlainCnn(nn.Module):
    """Spectrogram [batch, rows, columns] to features [batch, n_features, columns left]."""

    def __init__(self, config: BackboneConfig, *, n_rows: int) -> None:
        super().__init__()
        shrinks = row_shrinks(config, n_rows=n_rows)
        over_time = column_shrinks(config)
        layers: list[nn.Module] = []
        n_in = 1
        for stage, n_out in enumerate(config.filters):
            rows, columns = shrinks[stage], over_time[stage]
            kernel = kernel_of(config, stage)
            for i in range(config.convolutions_per_stage):
                stride = (rows.stride, columns.stride) if i == 0 else (1, 1)
                layers += _convolution(n_in, n_out, kernel=kernel, stride=stride)
                n_in = n_out
            if config.pool > 1:
                layers.append(nn.MaxPool2d((rows.pool, columns.pool)))
            if config.dropout:
                layers.append(nn.Dropout2d(config.dropout))
        self.stages = nn.Sequential(*layers)
        self.n_features = config.filters[-1] * size_after(shrinks, n_rows)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """[batch, rows, columns] to [batch, n_features, columns left]."""
        maps: Tensor = self.stages(spectrogram.unsqueeze(1))
        return maps.flatten(1, 2)  # rows stay separate: high and low frequencies differ


def _convolution(
    n_in: int, n_out: int, *, kernel: tuple[int, int], stride: tuple[int, int]
) -> list[nn.Module]:
    padding = (kernel[0] // 2, kernel[1] // 2)
    return [
        # No bias: batch normalisation would remove it.
        nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    ]
