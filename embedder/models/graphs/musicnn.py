"""MusiCNN as ONNX, for patches of the length that it was trained on.

    [batch, bins, columns] ─▶ filters, convolutions, pools, dense layers ─▶ [batch, size + tags]

`networks.musicnn` describes the network. Filters with a constant output are not in the graph: what
later layers make of the constants is computed here and added where it belongs.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import ModelConfig
from embedder.models.graphs.graph import Graph, Value
from embedder.models.graphs.network import project
from embedder.networks.musicnn_weights import (
    FILTER_BANKS,
    N_BINS,
    N_COLUMNS,
    N_FILTERINGS,
    Bank,
    Layer,
    Tensors,
    Wide,
    bank_of,
    dense_of,
    kernel_of,
    normalisation_of,
    same_padding,
)

INPUT_NAME = "patches"


@dataclass(frozen=True, slots=True, eq=False)
class _Channels:
    """Channels [batch, live, columns] of which the others are constant.

    live: int64, their positions among all; constants: float64 [all], 0 for live ones
    """

    value: Value
    live: NDArray[np.int64]
    constants: Wide


def musicnn_file(config: ModelConfig, tensors: Tensors, layer: Layer, *, n_tags: int) -> bytes:
    """The ONNX file of a network from its checkpoint's tensors."""
    graph = Graph()
    scale, shift = (float(part[0]) for part in normalisation_of(tensors, 0))
    scaled = graph.multiply(INPUT_NAME, graph.number(scale))
    image = graph.add(scaled, graph.number(shift))
    image = graph.apply("Unsqueeze", [image, graph.sizes(1)])
    low = _low_layers(graph, image, tensors)
    layers = [low.value]
    for number in range(FILTER_BANKS, N_FILTERINGS):
        # TensorFlow's kernels are [time, channels, 1, filters].
        kernel = kernel_of(tensors, number)[:, :, 0].transpose(2, 1, 0)
        constants = low.constants if number == FILTER_BANKS else np.zeros(kernel.shape[1])
        bank = bank_of(kernel, tensors, number)
        if number == FILTER_BANKS:
            output = _convolve(graph, layers[-1], bank, low.live, constants)
            layers.append(output)
        else:
            output = _convolve(graph, layers[-1], bank, np.arange(kernel.shape[1]), constants)
            layers.append(graph.add(output, layers[-1]))
    n_low = len(low.constants)
    n_all = n_low + sum(kernel_of(tensors, n).shape[3] for n in range(FILTER_BANKS, N_FILTERINGS))
    features = _Channels(
        graph.concatenate(layers, axis=1),
        np.concatenate([low.live, np.arange(n_low, n_all)]),
        np.concatenate([low.constants, np.zeros(n_all - n_low)]),
    )
    outputs = _outputs(graph, features, tensors, layer)
    vectors = project(graph, outputs[0], config)
    return graph.to_bytes(
        input_name=INPUT_NAME,
        input_shape=("batch", N_BINS, N_COLUMNS),
        output=graph.concatenate([vectors, outputs[1]], axis=1),
        output_shape=("batch", config.embedding_size + n_tags),
    )


def _low_layers(graph: Graph, image: Value, tensors: Tensors) -> _Channels:
    """The filter banks on the patch [batch, 1, bins, columns], side by side."""
    highest, banks = [], []
    for number in range(FILTER_BANKS):
        # TensorFlow's kernels are [time, bins, 1, filters], and the columns come last here.
        bank = bank_of(kernel_of(tensors, number).transpose(3, 2, 1, 0), tensors, number)
        banks.append(bank)
        if not len(bank.live):
            continue
        before, after = same_padding(bank.kernel.shape[3])
        kernel = _constant(graph, bank.kernel[bank.live])
        maps = graph.apply(
            "Conv",
            [image, kernel],
            kernel_shape=bank.kernel.shape[2:],
            strides=(1, 1),
            pads=(0, before, 0, after),
        )
        highest.append(graph.apply("ReduceMax", [maps], axes=[2], keepdims=0))
    if not highest:
        raise ValueError("no filter of the network is live")
    starts = np.cumsum([0, *(len(bank.bias) for bank in banks)])
    live = [start + bank.live for start, bank in zip(starts, banks, strict=False)]
    constants = np.concatenate([bank.constant for bank in banks])
    constants[np.concatenate(live)] = 0
    value = _activated(graph, graph.concatenate(highest, axis=1), banks)
    return _Channels(value, np.concatenate(live), constants)


def _activated(graph: Graph, highest: Value, banks: list[Bank]) -> Value:
    """Rectifier and batch normalisation of live filters [batch, live, columns]."""
    sign, bias, scale, shift = (
        _constant(
            graph, np.concatenate([getattr(bank, part)[bank.live] for bank in banks])[:, None]
        )
        for part in ("sign", "bias", "scale", "shift")
    )
    rectified = graph.apply("Relu", [graph.add(graph.multiply(highest, sign), bias)])
    return graph.add(graph.multiply(rectified, scale), shift)


def _convolve(
    graph: Graph, value: Value, bank: Bank, live: NDArray[np.int64], constants: Wide
) -> Value:
    """A convolution over time [batch, live, columns] to [batch, filters, columns].

    bank.kernel: [filters, channels, time]; constants: of the channels that are not live
    """
    before, after = same_padding(bank.kernel.shape[2])
    kernel = bank.kernel * bank.sign[:, None, None]
    maps = graph.apply(
        "Conv",
        [value, _constant(graph, kernel[:, live])],
        kernel_shape=kernel.shape[2:],
        strides=(1,),
        pads=(before, after),
    )
    # Each tap adds its part of the constants where it lies within the patch.
    taps = np.einsum("fct,c->ft", kernel, constants)
    ones = np.pad(np.ones(N_COLUMNS), (before, after))
    added = sum(
        np.outer(taps[:, tap], ones[tap : tap + N_COLUMNS]) for tap in range(kernel.shape[2])
    )
    total = graph.add(maps, _constant(graph, added + bank.bias[:, None]))
    rectified = graph.apply("Relu", [total])
    scaled = graph.multiply(rectified, _constant(graph, bank.scale[:, None]))
    return graph.add(scaled, _constant(graph, bank.shift[:, None]))


def _outputs(
    graph: Graph, features: _Channels, tensors: Tensors, layer: Layer
) -> tuple[Value, Value]:
    """The layer's values and the tags' probabilities."""
    live, constants = features.live, features.constants
    pools = [
        graph.apply("ReduceMax", [features.value], axes=[2], keepdims=0),
        graph.mean(features.value, 2),
    ]
    scale, shift = normalisation_of(tensors, 9)
    weight, bias = dense_of(tensors, 0)
    bias = bias + shift @ weight
    weight = weight * scale[:, None]
    # The two pools are interleaved feature by feature.
    by_pool = [weight[0::2], weight[1::2]]
    bias = bias + constants @ (by_pool[0] + by_pool[1])
    products = [
        graph.matmul(pool, _constant(graph, part[live]))
        for pool, part in zip(pools, by_pool, strict=True)
    ]
    total = graph.add(reduce(graph.add, products), _constant(graph, bias))
    scale, shift = normalisation_of(tensors, 10)
    scaled = graph.multiply(graph.apply("Relu", [total]), _constant(graph, scale))
    penultimate = graph.add(scaled, _constant(graph, shift))
    weight, bias = dense_of(tensors, 1)
    logits = graph.add(graph.matmul(penultimate, _constant(graph, weight)), _constant(graph, bias))
    tags = graph.apply("Sigmoid", [logits])
    if layer == "penultimate":
        return penultimate, tags
    places = np.zeros((len(live), len(constants)))
    places[np.arange(len(live)), live] = 1
    pool = pools[0] if layer == "max-pool" else pools[1]
    spread = graph.matmul(pool, _constant(graph, places))
    return graph.add(spread, _constant(graph, constants)), tags


def _constant(graph: Graph, values: Wide) -> Value:
    return graph.constant(values.astype(np.float32))
