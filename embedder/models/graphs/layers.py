"""The layers that our backbones share, as ONNX: convolutions with their batch normalisation folded
in, linear layers, activations.

Weights have the names of torch's state dicts. An unknown layer raises NoGraph.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.models.graphs.graph import Graph, Value, Weights

EPSILON = 1e-5
"""Of torch's batch normalisation."""


Tensors = Mapping[str, NDArray[Any]]


class NoGraph(Exception):
    """A network, or a part of one, that these graphs do not have."""


class Layers:
    """Adds layers to a graph, with the weights below a prefix."""

    def __init__(self, graph: Graph, tensors: Tensors, prefix: str) -> None:
        self.graph = graph
        self.tensors = tensors
        self.prefix = prefix
        self.used: set[str] = set()
        """Names of tensors that are in the graph; all parts of a network share it."""

    def below(self, name: str) -> "Layers":
        """The layers of a part."""
        part = Layers(self.graph, self.tensors, f"{self.prefix}{name}.")
        part.used = self.used
        return part

    def has(self, name: str) -> bool:
        """Whether a tensor has this name."""
        return f"{self.prefix}{name}" in self.tensors

    def weights(self, name: str) -> Weights:
        """A tensor in float32."""
        full_name = f"{self.prefix}{name}"
        if full_name not in self.tensors:
            raise NoGraph(f"the tensor {full_name} is missing")
        self.used.add(full_name)
        return self.tensors[full_name].astype(np.float32, copy=False)

    def batch_norm(self, name: str) -> tuple[Weights, Weights]:
        """Factor and summand of a batch normalisation: float32 [channels] each."""
        part = self.below(name)
        variance = part.weights("running_var").astype(np.float64)
        scale = 1 / np.sqrt(variance + EPSILON)
        if part.has("weight"):
            scale = scale * part.weights("weight")
        shift = -part.weights("running_mean") * scale
        if part.has("bias"):
            shift = shift + part.weights("bias")
        return scale.astype(np.float32), shift.astype(np.float32)

    def normalise(self, value: Value, name: str, *, n_after: int = 0) -> Value:
        """Batch normalisation of channels that are followed by `n_after` axes."""
        shape = (-1,) + (1,) * n_after
        scale, shift = (part.reshape(shape) for part in self.batch_norm(name))
        scaled = self.graph.multiply(value, self.graph.constant(scale))
        return self.graph.add(scaled, self.graph.constant(shift))

    def convolve(
        self, value: Value, name: str, *, norm: str = "", stride: tuple[int, ...]
    ) -> Value:
        """A convolution with "same" padding, and the batch normalisation after it."""
        kernel = self.weights(f"{name}.weight")
        bias = self.weights(f"{name}.bias") if self.has(f"{name}.bias") else None
        if norm:
            scale, shift = self.batch_norm(norm)
            kernel = kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1))
            bias = shift if bias is None else bias * scale + shift
        sizes = kernel.shape[2:]
        padding = [size // 2 for size in sizes]
        inputs = [value, self.graph.constant(kernel)]
        if bias is not None:
            inputs.append(self.graph.constant(bias))
        return self.graph.apply(
            "Conv", inputs, kernel_shape=sizes, strides=stride, pads=[*padding, *padding]
        )

    def linear(self, value: Value, name: str, *, norm: str = "") -> Value:
        """A linear layer on [batch, features], and the batch normalisation after it."""
        weight = self.weights(f"{name}.weight").T
        bias = self.weights(f"{name}.bias") if self.has(f"{name}.bias") else None
        if norm:
            scale, shift = self.batch_norm(norm)
            weight = weight * scale
            bias = shift if bias is None else bias * scale + shift
        product = self.graph.matmul(value, self.graph.constant(np.ascontiguousarray(weight)))
        return product if bias is None else self.graph.add(product, self.graph.constant(bias))

    def activate(self, value: Value, kind: str, name: str, *, n_after: int) -> Value:
        """An activation of channels that are followed by `n_after` axes."""
        graph = self.graph
        match kind:
            case "relu":
                return graph.apply("Relu", [value])
            case "leaky-relu":
                return graph.apply("LeakyRelu", [value], alpha=0.01)
            case "elu":
                return graph.apply("Elu", [value], alpha=1.0)
            case "tanh":
                return graph.apply("Tanh", [value])
            case "sigmoid":
                return graph.apply("Sigmoid", [value])
            case "prelu":
                slope = self.weights(f"{name}.weight").reshape(-1, *[1] * n_after)
                return graph.apply("PRelu", [value, graph.constant(slope)])
            case "gelu":
                scaled = graph.multiply(value, graph.number(0.5**0.5))
                gate = graph.add(graph.apply("Erf", [scaled]), graph.number(1.0))
                return graph.multiply(graph.multiply(value, graph.number(0.5)), gate)
        raise NoGraph(f"the activation {kind!r}")
