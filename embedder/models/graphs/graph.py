"""An ONNX graph in the making: named values, the nodes between them, and weights.

    graph = Graph()
    maps = graph.apply("Relu", [graph.apply("Conv", ["spectrogram", graph.constant(weights)])])

Each method returns the name of a value, which other nodes take.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedder.models.graphs import protobuf
from embedder.models.graphs.protobuf import Array, Attribute, Shape

Value = str
"""The name of a value in the graph."""
Weights = NDArray[np.float32]


class Graph:
    """Nodes and weights, in order."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._tensors: list[protobuf.Chunks] = []
        self._small: dict[tuple[str, tuple[int, ...], bytes], Value] = {}

    def apply(self, kind: str, inputs: Sequence[Value], **attributes: Attribute) -> Value:
        """The output of an operator."""
        output = f"v{len(self._nodes)}"
        self._nodes.append(protobuf.node(kind, inputs, output, attributes))
        return output

    def constant(self, array: Array) -> Value:
        """Weights, or other fixed values; equal small ones are stored once."""
        key = (array.dtype.str, array.shape, array.tobytes() if array.size < 4096 else b"")
        if key[2] and key in self._small:
            return self._small[key]
        name = f"w{len(self._tensors)}"
        self._tensors.append(protobuf.tensor(name, array))
        if key[2]:
            self._small[key] = name
        return name

    def number(self, value: float) -> Value:
        """A float32 scalar."""
        return self.constant(np.array(value, dtype=np.float32))

    def sizes(self, *values: int) -> Value:
        """An int64 list: axes, sizes or positions."""
        return self.constant(np.array(values, dtype=np.int64))

    def add(self, first: Value, second: Value) -> Value:
        """The sum."""
        return self.apply("Add", [first, second])

    def subtract(self, first: Value, second: Value) -> Value:
        """The difference."""
        return self.apply("Sub", [first, second])

    def multiply(self, first: Value, second: Value) -> Value:
        """The product, element by element."""
        return self.apply("Mul", [first, second])

    def divide(self, first: Value, second: Value) -> Value:
        """The quotient, element by element."""
        return self.apply("Div", [first, second])

    def matmul(self, first: Value, second: Value) -> Value:
        """The matrix product."""
        return self.apply("MatMul", [first, second])

    def root(self, value: Value) -> Value:
        """The square root."""
        return self.apply("Sqrt", [value])

    def mean(self, value: Value, *axes: int, keep: bool = False) -> Value:
        """The mean over axes."""
        return self.apply("ReduceMean", [value], axes=axes, keepdims=int(keep))

    def sum(self, value: Value, *axes: int, keep: bool = False) -> Value:
        """The sum over axes."""
        return self.apply("ReduceSum", [value, self.sizes(*axes)], keepdims=int(keep))

    def transpose(self, value: Value, *axes: int) -> Value:
        """The axes in another order."""
        return self.apply("Transpose", [value], perm=axes)

    def concatenate(self, values: Sequence[Value], *, axis: int) -> Value:
        """Values side by side; a single one unchanged."""
        return values[0] if len(values) == 1 else self.apply("Concat", values, axis=axis)

    def reshape(self, value: Value, *sizes: int) -> Value:
        """0 keeps a size, -1 takes what is left."""
        return self.apply("Reshape", [value, self.sizes(*sizes)])

    def slice(self, value: Value, *, axis: int, start: int, end: int) -> Value:
        """The part from `start` to before `end` of an axis."""
        bounds = [self.sizes(start), self.sizes(end), self.sizes(axis)]
        return self.apply("Slice", [value, *bounds])

    def variance(self, value: Value, axis: int) -> Value:
        """The variance over an axis."""
        apart = self.subtract(value, self.mean(value, axis, keep=True))
        return self.mean(self.multiply(apart, apart), axis)

    def to_bytes(
        self, *, input_name: str, input_shape: Shape, output: Value, output_shape: Shape
    ) -> bytes:
        """The ONNX file; its output is called "vector"."""
        self._nodes.append(protobuf.node("Identity", [output], "vector", {}))
        return protobuf.model(
            nodes=self._nodes,
            tensors=self._tensors,
            inputs=protobuf.port(input_name, input_shape),
            outputs=protobuf.port("vector", output_shape),
            name="soundalike",
        )
