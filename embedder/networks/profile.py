"""The cost of a network: parameters and multiply-adds of each layer, for one excerpt.

Multiply-adds are those of convolutions, linear and recurrent layers; normalisation, activations
and pooling are left out, as is usual. The network runs on the meta device, so nothing is computed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from embedder.config.model import ModelConfig
from embedder.features.axes import n_rows_of
from embedder.networks.network import EmbeddingNetwork

ASSUMED_SAMPLE_RATE = 44100
"""For front ends that keep the file's own rate."""


@dataclass(frozen=True, slots=True)
class LayerProfile:
    """One layer; `output_shape` is without the batch."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    n_parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True)
class NetworkProfile:
    """The layers that have parameters, and the sums over them."""

    input_shape: tuple[int, int]
    """Rows and columns."""
    layers: tuple[LayerProfile, ...]

    @property
    def n_parameters(self) -> int:
        """The number of trained parameters."""
        return sum(layer.n_parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Multiplications with an addition, for one excerpt."""
        return sum(layer.multiply_adds for layer in self.layers)


def profile_network(config: ModelConfig) -> NetworkProfile:
    """The cost of one excerpt in the network of a configuration."""
    input_shape = input_shape_of(config)
    layers: list[LayerProfile] = []

    with torch.device("meta"):
        network = EmbeddingNetwork(config).eval()
        for name, module in network.named_modules():
            if next(module.parameters(recurse=False), None) is not None:
                module.register_forward_hook(_recorder(name, layers))
        network(torch.empty(1, *input_shape))
    return NetworkProfile(input_shape, tuple(layers))


def input_shape_of(config: ModelConfig) -> tuple[int, int]:
    """Rows and columns of one excerpt."""
    front_end = config.front_end
    rate = front_end.sample_rate or ASSUMED_SAMPLE_RATE
    n_samples = round(config.excerpts.excerpt_seconds * rate)
    if front_end.kind == "waveform":
        return 1, n_samples
    return n_rows_of(front_end), front_end.n_columns or 1 + n_samples // front_end.hop_samples


def _recorder(name: str, layers: list[LayerProfile]) -> Callable[[nn.Module, Any, Any], None]:
    def record(module: nn.Module, _: Any, outputs: Any) -> None:
        output: Tensor = outputs[0] if isinstance(module, nn.GRU) else outputs
        layers.append(
            LayerProfile(
                name=name,
                kind=type(module).__name__,
                output_shape=tuple(output.shape[1:]),
                n_parameters=sum(p.numel() for p in module.parameters(recurse=False)),
                multiply_adds=_multiply_adds(module, output),
            )
        )

    return record


def _multiply_adds(module: nn.Module, output: Tensor) -> int:
    """An output value of a convolution or linear layer takes one for each weight of a filter."""
    if isinstance(module, nn.GRU):  # each step uses each weight once
        return output.shape[1] * sum(p.numel() for p in module.parameters() if p.dim() > 1)
    if not isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
        return 0
    return output[0].numel() * module.weight[0].numel()
