"""A whole network as an ONNX file: `embedder.networks.network` from settings and weights.

    [batch, rows, columns] ─▶ translation, row normalisation, backbones, pooling, projection,
                              geometry ─▶ [batch, embedding_size]

The file is made anew from the weights whenever a model is loaded, which takes milliseconds: so
there is no cache that could be stale. Batch normalisation is folded into the convolutions before
it. NoGraph says what has no such form.
"""

import numpy as np

from embedder.config.model import BackboneConfig, ModelConfig
from embedder.features.axes import n_rows_of
from embedder.models.graphs.backbones import backbone
from embedder.models.graphs.graph import Graph, Value
from embedder.models.graphs.layers import Layers, NoGraph, Tensors

INPUT_NAME = "spectrogram"
COUNTER_SUFFIX = "num_batches_tracked"
"""Of tensors that only training reads."""
TINY = 1e-12
RIM = 1e-3
"""As in `embedder.geometry`."""


def network_file(config: ModelConfig, tensors: Tensors) -> bytes:
    """The ONNX file of a network, whose tensors have the names of torch's state dict."""
    if config.translated_to is not None:
        raise NoGraph("the translation between front ends")
    graph = Graph()
    layers = Layers(graph, tensors, "")
    n_rows = n_rows_of(config.front_end)
    parts = [_branch(layers, INPUT_NAME, config.backbone, n_rows)]
    for number, beside in enumerate(config.beside):
        parts.append(_branch(layers.below(f"beside.{number}"), INPUT_NAME, beside, n_rows))
    if config.backbone.row_statistics:
        parts.append(_row_statistics(graph, INPUT_NAME))
    features = graph.concatenate(parts, axis=1)
    outputs = layers.linear(features, "projection")
    output = project(graph, outputs, config)
    unused = [
        name for name in tensors if name not in layers.used and not name.endswith(COUNTER_SUFFIX)
    ]
    if unused:
        raise NoGraph(f"the tensor {unused[0]} has no place")
    return graph.to_bytes(
        input_name=INPUT_NAME,
        input_shape=("batch", n_rows, "columns"),
        output=output,
        output_shape=("batch", config.embedding_size),
    )


def _branch(layers: Layers, value: Value, config: BackboneConfig, n_rows: int) -> Value:
    """Row normalisation, backbone and pooling: [batch, features]."""
    if config.members == 1:
        value = layers.normalise(value, "row_norm", n_after=1)
    maps = backbone(layers.below("backbone"), value, config, n_rows)
    kind = "mean" if config.kind == "moments" else config.pooling
    return _pooled(layers.below("pooling"), maps, kind)


def _pooled(layers: Layers, maps: Value, kind: str) -> Value:
    """[batch, features, columns] to [batch, features × multiple]."""
    graph = layers.graph
    match kind:
        case "mean":
            return graph.mean(maps, 2)
        case "max":
            return graph.apply("ReduceMax", [maps], axes=[2], keepdims=0)
        case "statistics":
            deviation = graph.root(graph.add(graph.variance(maps, 2), graph.number(1e-5)))
            return graph.concatenate([graph.mean(maps, 2), deviation], axis=1)
        case "attention":
            hidden = graph.apply("Tanh", [layers.convolve(maps, "hidden", stride=(1,))])
            scores = layers.convolve(hidden, "scores", stride=(1,))
            weights = graph.apply("Softmax", [scores], axis=2)
            return graph.sum(graph.multiply(maps, weights), 2)
    raise NoGraph(f"the pooling {kind!r}")


def _row_statistics(graph: Graph, rows: Value) -> Value:
    """Each row's mean, deviation, and mean step from column to column."""
    large = np.iinfo(np.int64).max
    later = graph.slice(rows, axis=2, start=1, end=large)
    earlier = graph.slice(rows, axis=2, start=0, end=-1)
    steps = graph.apply("Abs", [graph.subtract(later, earlier)])
    deviation = graph.root(graph.variance(rows, 2))
    return graph.concatenate([graph.mean(rows, 2), deviation, graph.mean(steps, 2)], axis=1)


def project(graph: Graph, outputs: Value, config: ModelConfig) -> Value:
    """Outputs [batch, size] as vectors of the geometry that the settings name."""
    if config.geometry == "euclidean":
        return outputs
    lengths = graph.apply("ReduceL2", [outputs], axes=[1], keepdims=1)
    tiny = graph.number(TINY)
    if config.geometry == "cosine":
        return graph.divide(outputs, graph.apply("Max", [lengths, tiny]))
    root = graph.number(config.curvature**0.5)
    lengths = graph.apply("Max", [graph.multiply(lengths, root), tiny])
    shrunk = graph.apply("Min", [graph.apply("Tanh", [lengths]), graph.number(1 - RIM)])
    return graph.multiply(outputs, graph.divide(shrunk, lengths))
