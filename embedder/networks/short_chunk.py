"""A residual CNN for short excerpts, after the short-chunk CNN with residual connections of
Won et al., Evaluation of CNN-based automatic music tagging models, 2020.

    block = activation(shortcut + (convolution, batch norm, activation, convolution, batch norm))

`staged_cnn` puts the blocks together.
"""

from torch import Tensor, nn

from embedder.config.model import BackboneConfig
from embedder.networks.activations import build_activation
from embedder.networks.staged_cnn import BlockPlan, StagedCnn, convolution


class ResidualBlock(nn.Module):
    """Maps [batch, n_in, rows, columns] to [batch, n_out, rows / stride, columns / stride]."""

    def __init__(self, plan: BlockPlan) -> None:
        super().__init__()
        n_in, n_out = plan.n_in, plan.n_out
        self.path = nn.Sequential(
            *convolution(plan),
            nn.Conv2d(n_out, n_out, plan.kernel, padding=plan.padding, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.activation = build_activation(plan.activation)
        self.shortcut: nn.Module = nn.Identity()
        if n_in != n_out or max(plan.stride) > 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride=plan.stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, maps: Tensor) -> Tensor:
        """The sum of path and shortcut, then the activation."""
        total: Tensor = self.activation(self.path(maps) + self.shortcut(maps))
        return total


class ShortChunkCnn(StagedCnn):
    """Spectrogram [batch, rows, columns] to features [batch, n_features, columns left]."""

    def __init__(self, config: BackboneConfig, *, n_rows: int) -> None:
        super().__init__(config, n_rows=n_rows, block_layers=lambda plan: [ResidualBlock(plan)])
