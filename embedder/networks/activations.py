"""The non-linear functions between the layers of a backbone."""

from collections.abc import Callable

from torch import nn

from embedder.errors import UnknownChoice

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky-relu": lambda: nn.LeakyReLU(0.01, inplace=True),
    "prelu": nn.PReLU,
    "elu": lambda: nn.ELU(inplace=True),
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def build_activation(kind: str) -> nn.Module:
    """The activation that a configuration names."""
    if kind not in ACTIVATIONS:
        raise UnknownChoice("activation", kind, ACTIVATIONS)
    return ACTIVATIONS[kind]()
