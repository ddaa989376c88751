"""A residual CNN for short excerpts, after the short-chunk CNN with residual connections of
Won et al., Evaluation of CNN-based automatic music tagging models, 2020.

    block = ReLU(shortcut + (convolution, batch norm, ReLU, convolution, batch norm))

`staged_cnn` puts the blocks together.
"""

from torch import Tensor, nn
from torch.nn import functional

from embedder.config.model import BackboneConfig
from embedder.networks.staged_cnn import StagedCnn


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


class ShortChunkCnn(StagedCnn):
    """Spectrogram [batch, rows, columns] to features [batch, n_features, columns left]."""

    def __init__(self, config: BackboneConfig, *, n_rows: int) -> None:
        super().__init__(config, n_rows=n_rows, block_layers=_residual)


def _residual(
    n_in: int, n_out: int, *, kernel: tuple[int, int], stride: tuple[int, int]
) -> list[nn.Module]:
    return [ResidualBlock(n_in, n_out, kernel=kernel, stride=stride)]
