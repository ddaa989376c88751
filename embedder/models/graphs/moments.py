"""The backbone of `embedder.networks.moments` as ONNX; that module describes the computation."""

import numpy as np

from embedder.config.model import BackboneConfig
from embedder.models.graphs.graph import Graph, Value
from embedder.models.graphs.layers import Layers

SMALL, LEAST_VARIANCE = 1e-4, 1e-2
STEPS_OF_ROOTS = (18, 12, 8)
"""As in `embedder.networks.moments`, which a test compares."""


def moments(layers: Layers, rows: Value, config: BackboneConfig, n_rows: int) -> Value:
    """[batch, rows, columns] to [batch, features, 1]."""
    del n_rows
    graph = layers.graph
    n_coefficients, *widths = config.filters
    # The product with the rows of the weights, over the transposed spectrogram and back.
    coefficients = graph.matmul(graph.constant(layers.weights("cepstral.weight")), rows)
    if widths:
        learnt = layers.below("learnt")
        maps = learnt.convolve(rows, "0", norm="1", stride=(1,))
        maps = learnt.activate(maps, config.activation, "2", n_after=1)
        maps = learnt.convolve(maps, "3", stride=(1,))
        coefficients = graph.concatenate([coefficients, maps], axis=1)
        n_coefficients *= 2
    coefficients = layers.normalise(coefficients, "scale", n_after=1)
    value = _moments_of(graph, rows, coefficients, n_coefficients)
    if widths[1:]:
        value = _perceptron(layers.below("perceptron"), value, config, len(widths) - 1)
    return graph.apply("Unsqueeze", [value, graph.sizes(2)])


def _moments_of(graph: Graph, rows: Value, coefficients: Value, n: int) -> Value:
    """[batch, 2 × rows + n × (n + 2)]."""
    means = graph.mean(coefficients, 2, keep=True)
    spread = graph.root(graph.add(graph.variance(rows, 2), graph.number(SMALL)))
    large = np.iinfo(np.int64).max
    later = graph.slice(coefficients, axis=2, start=1, end=large)
    earlier = graph.slice(coefficients, axis=2, start=0, end=-1)
    moving = (graph.subtract(coefficients, means), graph.subtract(later, earlier))
    # The covariances of both become one batch, because a root takes many small products.
    covariances = graph.concatenate([_covariance(graph, part, n) for part in moving], axis=1)
    for n_steps in STEPS_OF_ROOTS:
        covariances = _square_root(graph, covariances, n, n_steps=n_steps)
    flat = graph.reshape(covariances, 0, 2, n * n)
    upper = [row * n + column for row in range(n) for column in range(row, n)]
    roots = graph.apply("Gather", [flat, graph.sizes(*upper)], axis=2)
    return graph.concatenate(
        [
            graph.mean(rows, 2),
            spread,
            graph.apply("Squeeze", [means, graph.sizes(2)]),
            graph.reshape(roots, 0, -1),
        ],
        axis=1,
    )


def _covariance(graph: Graph, moving: Value, n: int) -> Value:
    """[batch, n, columns] to [batch, 1, n, n]."""
    turned = graph.transpose(moving, 0, 2, 1)
    shape = graph.apply("Shape", [moving])
    n_columns = graph.apply("Gather", [shape, graph.sizes(2)], axis=0)
    n_columns = graph.apply("Cast", [n_columns], to=1)
    product = graph.divide(graph.matmul(moving, turned), n_columns)
    least = graph.constant((LEAST_VARIANCE * np.eye(n)).astype(np.float32))
    return graph.apply("Unsqueeze", [graph.add(product, least), graph.sizes(1)])


def _square_root(graph: Graph, matrices: Value, n: int, *, n_steps: int) -> Value:
    """By Newton-Schulz iterations, of [batch, 2, n, n]."""
    identity = graph.constant(np.eye(n, dtype=np.float32))
    trace = graph.sum(graph.multiply(matrices, identity), 2, 3, keep=True)
    root = graph.divide(matrices, trace)
    inverse = identity
    half = graph.number(-0.5)
    most = graph.constant((1.5 * np.eye(n)).astype(np.float32))
    for step in range(n_steps):
        product = graph.matmul(inverse, root) if step else root
        correction = graph.add(graph.multiply(product, half), most)
        root = graph.matmul(root, correction)
        if step < n_steps - 1:
            inverse = graph.matmul(correction, inverse) if step else correction
    return graph.multiply(root, graph.root(trace))


def _perceptron(layers: Layers, value: Value, config: BackboneConfig, n_layers: int) -> Value:
    value = layers.normalise(value, "0")
    for number in range(n_layers):
        at = 2 + 4 * number  # after batch normalisation and dropout
        value = layers.linear(value, f"{at}", norm=f"{at + 1}")
        value = layers.activate(value, config.activation, f"{at + 2}", n_after=0)
    return value
