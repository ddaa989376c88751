"""A CNN over a spectrogram in stages, for the backbones that differ only in their blocks.

    [batch, 1, rows, columns] ─stage─stage─…─▶ [batch, filters, rows left, columns left]
    stage = block × convolutions_per_stage, max pooling, dropout

The first block of a stage has the stride. Stages with too few rows do not pool them. Stages after
the first `time_stages` treat each column alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from embedder.config.model import ActivationKind, BackboneConfig
from embedder.networks.activations import build_activation
from embedder.networks.stages import column_shrinks, kernel_of, row_shrinks, size_after


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """Channels and sizes of a block; `kernel` and `stride` are of rows and columns."""

    n_in: int
    n_out: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    activation: ActivationKind

    @property
    def padding(self) -> tuple[int, int]:
        """Keeps rows and columns, at stride 1 and with odd kernels."""
        return (self.kernel[0] // 2, self.kernel[1] // 2)


BlockLayers = Callable[[BlockPlan], list[nn.Module]]


def convolution(plan: BlockPlan) -> list[nn.Module]:
    """Convolution, normalisation and activation."""
    return [
        # No bias: batch normalisation would remove it.
        nn.Conv2d(
            plan.n_in,
            plan.n_out,
            plan.kernel,
            stride=plan.stride,
            padding=plan.padding,
            bias=False,
        ),
        nn.BatchNorm2d(plan.n_out),
        build_activation(plan.activation),
    ]


class StagedCnn(nn.Module):
    """Spectrogram [batch, rows, columns] to features [batch, n_features, columns left]."""

    def __init__(self, config: BackboneConfig, *, n_rows: int, block_layers: BlockLayers) -> None:
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
                layers += block_layers(BlockPlan(n_in, n_out, kernel, stride, config.activation))
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
