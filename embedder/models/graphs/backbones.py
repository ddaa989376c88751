"""The backbones of `embedder.networks` as ONNX, from their settings and weights.

Each function takes [batch, rows, columns] and gives [batch, features, columns left].
"""

from collections.abc import Callable

import numpy as np

from embedder.config.model import BackboneConfig
from embedder.models.graphs.graph import Value, Weights
from embedder.models.graphs.layers import Layers, NoGraph
from embedder.models.graphs.moments import moments
from embedder.networks.stages import AxisShrink, column_shrinks, row_shrinks, size_after

Backbone = Callable[[Layers, Value, BackboneConfig, int], Value]
ONE = AxisShrink(stride=1, pool=1)


def backbone(layers: Layers, value: Value, config: BackboneConfig, n_rows: int) -> Value:
    """The backbone that the settings name, or all its members side by side."""
    kinds: dict[str, Backbone] = {
        "plain-cnn": plain_cnn,
        "short-chunk": short_chunk,
        "waveform-cnn": waveform_cnn,
        "crnn": crnn,
        "moments": moments,
    }
    if config.kind not in kinds:
        raise NoGraph(f"the backbone {config.kind!r}")
    build = kinds[config.kind]
    if config.members == 1:
        return build(layers, value, config, n_rows)
    outputs = []
    for number in range(config.members):
        member = layers.below(f"members.{number}")
        normalised = member.normalise(value, "0", n_after=1)
        outputs.append(build(member.below("1"), normalised, config, n_rows))
    return layers.graph.concatenate(outputs, axis=1)


def plain_cnn(layers: Layers, value: Value, config: BackboneConfig, n_rows: int) -> Value:
    """Convolution, batch normalisation, activation; pooling after each stage."""

    def block(maps: Value, at: int, stride: tuple[int, int]) -> tuple[Value, int]:
        maps = stages.convolve(maps, f"{at}", norm=f"{at + 1}", stride=stride)
        return stages.activate(maps, config.activation, f"{at + 2}", n_after=2), at + 3

    stages = layers.below("stages")
    return _staged(layers, value, config, n_rows, block)


def short_chunk(layers: Layers, value: Value, config: BackboneConfig, n_rows: int) -> Value:
    """Residual blocks; pooling after each stage."""

    def block(maps: Value, at: int, stride: tuple[int, int]) -> tuple[Value, int]:
        part = layers.below(f"stages.{at}")
        path = part.convolve(maps, "path.0", norm="path.1", stride=stride)
        path = part.activate(path, config.activation, "path.2", n_after=2)
        path = part.convolve(path, "path.3", norm="path.4", stride=(1, 1))
        if part.has("shortcut.0.weight"):
            maps = part.convolve(maps, "shortcut.0", norm="shortcut.1", stride=stride)
        total = part.graph.add(path, maps)
        return part.activate(total, config.activation, "activation", n_after=2), at + 1

    return _staged(layers, value, config, n_rows, block)


def _staged(
    layers: Layers,
    value: Value,
    config: BackboneConfig,
    n_rows: int,
    block: Callable[[Value, int, tuple[int, int]], tuple[Value, int]],
) -> Value:
    """The stages of `embedder.networks.staged_cnn`; `block` takes and gives a layer's number."""
    graph = layers.graph
    shrinks, over_time = row_shrinks(config, n_rows=n_rows), column_shrinks(config)
    maps = graph.apply("Unsqueeze", [value, graph.sizes(1)])
    at = 0
    for stage in range(len(config.filters)):
        rows, columns = shrinks[stage], over_time[stage]
        for number in range(config.convolutions_per_stage):
            stride = (rows.stride, columns.stride) if number == 0 else (1, 1)
            maps, at = block(maps, at, stride)
        if config.pool > 1:
            size = (rows.pool, columns.pool)
            maps = graph.apply("MaxPool", [maps], kernel_shape=size, strides=size)
            at += 1
        at += bool(config.dropout)
    return graph.reshape(maps, 0, config.filters[-1] * size_after(shrinks, n_rows), -1)


def waveform_cnn(layers: Layers, value: Value, config: BackboneConfig, n_rows: int) -> Value:
    """Convolutions over time."""
    del n_rows
    stages, at = layers.below("stages"), 0
    for _ in config.filters:
        for number in range(config.convolutions_per_stage):
            stride = (config.stride if number == 0 else 1,)
            value = stages.convolve(value, f"{at}", norm=f"{at + 1}", stride=stride)
            value = stages.activate(value, config.activation, f"{at + 2}", n_after=1)
            at += 3
        if config.pool > 1:
            size = (config.pool,)
            value = stages.graph.apply("MaxPool", [value], kernel_shape=size, strides=size)
            at += 1
        at += bool(config.dropout)
    return value


def crnn(layers: Layers, value: Value, config: BackboneConfig, n_rows: int) -> Value:
    """The stages of plain-cnn, then two recurrent layers (GRU) over time."""
    graph, n_hidden = layers.graph, config.filters[-1]
    maps = plain_cnn(layers.below("convolutions"), value, config, n_rows)
    states = graph.transpose(maps, 2, 0, 1)  # [columns, batch, features]
    for number in range(2):
        part = layers.below("recurrent")
        weights = [
            _gates(part.weights(f"{name}_l{number}"))[None] for name in ("weight_ih", "weight_hh")
        ]
        biases = [_gates(part.weights(f"{name}_l{number}")) for name in ("bias_ih", "bias_hh")]
        inputs = [states, *(graph.constant(weight) for weight in weights)]
        inputs.append(graph.constant(np.concatenate(biases)[None]))
        outputs = graph.apply("GRU", inputs, hidden_size=n_hidden, linear_before_reset=1)
        # [columns, directions, batch, features]; there is one direction.
        states = graph.apply("Squeeze", [outputs, graph.sizes(1)])
    return graph.transpose(states, 1, 2, 0)


def _gates(weights: Weights) -> Weights:
    """Torch orders the gates reset, update, new; ONNX update, reset, new."""
    reset, update, new = np.split(weights, 3)
    return np.concatenate([update, reset, new])
