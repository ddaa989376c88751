"""A plain 2-D CNN over a spectrogram: convolution, normalisation, activation, pooling, repeated.

block = convolution, batch norm, activation
"""

from torch import nn

from embedder.config.model import ActivationKind, BackboneConfig
from embedder.networks.activations import build_activation
from embedder.networks.staged_cnn import StagedCnn


class PlainCnn(StagedCnn):
    """Spectrogram [batch, rows, columns] to features [batch, n_features, columns left]."""

    def __init__(self, config: BackboneConfig, *, n_rows: int) -> None:
        super().__init__(config, n_rows=n_rows, block_layers=_convolution)


def _convolution(
    n_in: int,
    n_out: int,
    *,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    activation: ActivationKind,
) -> list[nn.Module]:
    padding = (kernel[0] // 2, kernel[1] // 2)
    return [
        # No bias: batch normalisation would remove it.
        nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(n_out),
        build_activation(activation),
    ]
