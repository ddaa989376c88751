"""A residual CNN for short excerpts, after the short-chunk CNN with residual connections of
Won et al., Evaluation of CNN-based automatic music tagging models, 2020.

    stage = residual block × convolutions_per_stage, max pooling, dropout
    block = ReLU(shortcut + (convolution, batch norm, ReLU, convolution, batch norm))

The first block of a stage has the stride. Stages after the first `time_stages` treat each column
alone.
"""

from torch import Tensor, nn
from torch.nn import functional

from embedder.config.model import BackboneConfig
from embedder.networks.stages import column_shrinks, kernel_of, row_shrinks, size_after


class ResidualBlock(nn.Module):
    """Maps [batch, n_in, rows, columns] to [batch, n_out, rows / stride, columns / stride].

    kernel, stride: of rows and columns.
    """

    def __init__(
        self, n_in: int, n_out: int, *, kernel: tuple[int, int], stride: tuple[int, int]
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.path = nn.Sequential(
            nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=padding, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(n_out, n_out, kernel, padding=padding, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if n_in != n_out or max(stride) > 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride=stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, maps: Tensor) -> Tensor:
        """The sum of path and shortcut, then ReLU."""
        return functional.relu(self.path(maps) + self.shortcut(maps))


class ShortChunkCnn(nn.Module):
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
                layers.append(ResidualBlock(n_in, n_out, kernel=kernel, stride=stride))
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
