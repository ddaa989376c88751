"""The tensors of a MusiCNN checkpoint in numpy: `networks.musicnn` and its graph read them.

`networks.musicnn` describes the network, and why most of its filters can be left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-3
"""Of the batch normalisation in the original."""
LARGEST_INPUT = 100.0
"""Inputs of a filter stay below this: log-mel values below 10, normalised channels below 100."""
NEGLIGIBLE = 1e-6
"""A filter that can change its output by no more than this is dead."""
N_COLUMNS, N_BINS = 187, 96
FILTER_BANKS = 5
"""Layers that read the mel patch; those after them are convolutions over time."""
N_FILTERINGS = 8
"""Layers of filters in all."""

Tensors = Mapping[str, NDArray[np.float32]]
Wide = NDArray[np.float64]
Layer = Literal["penultimate", "mean-pool", "max-pool"]


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """A layer of filters: convolution, rectifier and batch normalisation, in this order.

    output = max(highest x sign + bias, 0) x scale + shift, where `highest` is the maximum of the
    filter's values over frequency; kernel: negated where sign is -1
    """

    kernel: Wide
    sign: Wide
    bias: Wide
    scale: Wide
    shift: Wide
    live: NDArray[np.int64]
    """Filters whose output is not constant."""
    constant: Wide
    """The output of each filter that is not live."""


def bank_of(kernel: Wide, tensors: Tensors, number: int) -> Bank:
    """A layer's arrays; kernel: float64 [filters, ...]."""
    bias = tensors[f"{_numbered('conv2d', number)}/bias"].astype(np.float64)
    scale, shift = normalisation_of(tensors, number + 1)
    reach = np.abs(kernel).reshape(len(kernel), -1).sum(axis=1) * LARGEST_INPUT * np.abs(scale)
    sign = np.where(scale < 0, -1.0, 1.0)
    return Bank(
        kernel=kernel * sign.reshape(-1, *[1] * (kernel.ndim - 1)),
        sign=sign,
        bias=bias,
        scale=scale,
        shift=shift,
        live=np.flatnonzero(reach > NEGLIGIBLE),
        constant=np.maximum(bias, 0) * scale + shift,
    )


def same_padding(length: int) -> tuple[int, int]:
    """Before and after, so that a kernel of this length keeps the number of columns."""
    return (length - 1) // 2, length // 2


def normalisation_of(
    tensors: Tensors, number: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Factor and summand of a batch normalisation, float64 [channels] each."""
    name = _numbered("batch_normalization", number)
    gamma, beta, mean, variance = (
        tensors[f"{name}/{part}"].astype(np.float64)
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + EPSILON)
    return scale, beta - mean * scale


def kernel_of(tensors: Tensors, number: int) -> NDArray[np.float64]:
    """The kernel of a convolution, in the checkpoint's order of axes."""
    kernel: NDArray[np.float64] = tensors[f"{_numbered('conv2d', number)}/kernel"].astype(float)
    return kernel


def dense_of(tensors: Tensors, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight [inputs, outputs] and bias [outputs] of a dense layer."""
    name = _numbered("dense", number)
    weight: NDArray[np.float64] = tensors[f"{name}/kernel"].astype(np.float64)
    bias: NDArray[np.float64] = tensors[f"{name}/bias"].astype(np.float64)
    return weight, bias


def expected_shapes(n_tags: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the published checkpoints' tensors by name."""
    banks = [(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)]
    kernels = [*banks, (7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
    widths = [1, *(kernel[-1] for kernel in kernels), 1506, 200]
    shapes: dict[str, tuple[int, ...]] = {}
    for number, kernel in enumerate(kernels):
        shapes[f"{_numbered('conv2d', number)}/kernel"] = kernel
        shapes[f"{_numbered('conv2d', number)}/bias"] = kernel[-1:]
    for number, width in enumerate(widths):
        for part in ("gamma", "beta", "moving_mean", "moving_variance"):
            shapes[f"{_numbered('batch_normalization', number)}/{part}"] = (width,)
    for number, weight in enumerate([(1506, 200), (200, n_tags)]):
        shapes[f"{_numbered('dense', number)}/kernel"] = weight
        shapes[f"{_numbered('dense', number)}/bias"] = weight[1:]
    return shapes


def _numbered(name: str, number: int) -> str:
    """TensorFlow's name of the n-th layer of a kind: the first has no number."""
    return f"{name}_{number}" if number else name
