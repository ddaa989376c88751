"""MusiCNN, the tagging network of Pons and Serra (2019), built from the tensors of its checkpoint.

    mel patch ─▶ 2 timbral and 3 temporal filter banks, max over frequency ─▶ 561 channels
              ─▶ 3 convolutions over time, the last two residual            ─▶ 753 with the 561
              ─▶ max and mean over time, interleaved ─▶ dense (200) ─▶ dense ─▶ tags

Two things make it fast. Training left most filters of the first layers with weights of about
1e-30: their output is constant, so they are not computed. And the maximum over frequency comes
before the rectifier and the batch normalisation, which are monotone: where the normalisation's
factor is negative, the filter is negated, so that its minimum becomes the maximum.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-3
"""Of the batch normalisation in the original."""
LARGEST_INPUT = 100.0
"""Inputs of a filter stay below this: log-mel values below 10, normalised channels below 100."""
NEGLIGIBLE = 1e-6
"""A filter that can change its output by no more than this is dead."""
N_COLUMNS, N_BINS = 187, 96
FILTER_BANKS = 5

Tensors = Mapping[str, NDArray[np.float32]]
Layer = Literal["penultimate", "mean-pool", "max-pool"]


class MusicnnOutputs(NamedTuple):
    """tags: probabilities [batch, tags]; the others: [batch, features]."""

    tags: Tensor
    mean_pool: Tensor
    max_pool: Tensor
    penultimate: Tensor

    def layer(self, name: Layer) -> Tensor:
        """The output that a layer's name stands for."""
        match name:
            case "mean-pool":
                return self.mean_pool
            case "max-pool":
                return self.max_pool
        return self.penultimate


class Musicnn(nn.Module):
    """Mel patches float32 [batch, columns, bins] to `MusicnnOutputs`."""

    def __init__(self, tensors: Tensors) -> None:
        super().__init__()
        self.scale, self.shift = (float(x[0]) for x in normalisation_of(tensors, 0))
        kernels = [kernel_of(tensors, number) for number in range(8)]
        # TensorFlow's kernels are [time, frequency or channels, 1, filters].
        self.banks = nn.ModuleList(
            FilterBank(kernels[number].transpose(3, 2, 0, 1), tensors, number)
            for number in range(FILTER_BANKS)
        )
        self.convolutions = nn.ModuleList(
            FilterBank(kernels[number].transpose(3, 1, 0, 2), tensors, number)
            for number in range(FILTER_BANKS, 8)
        )
        scale, shift = normalisation_of(tensors, 9)
        weight, bias = dense_of(tensors, 0)
        self.dense = _linear(weight * scale[:, None], bias + shift @ weight)
        scale, shift = normalisation_of(tensors, 10)
        self.register_buffer("dense_scale", torch.from_numpy(scale.astype(np.float32)))
        self.register_buffer("dense_shift", torch.from_numpy(shift.astype(np.float32)))
        self.tags = _linear(*dense_of(tensors, 1))

    def forward(self, patches: Tensor) -> MusicnnOutputs:
        """All outputs of the network; any number of columns is possible."""
        image = (patches * self.scale + self.shift)[:, None]
        low = torch.cat([bank(image) for bank in self.banks], dim=1)
        layers = [low]
        for number, convolution in enumerate(self.convolutions):
            output = convolution(layers[-1][..., None])
            layers.append(output + layers[-1] if number else output)
        features = torch.cat(layers, dim=1)
        max_pool, mean_pool = features.amax(dim=2), features.mean(dim=2)
        pools = torch.stack([max_pool, mean_pool], dim=2).flatten(1)
        dense = functional.relu(self.dense(pools))
        penultimate = dense * self.get_buffer("dense_scale") + self.get_buffer("dense_shift")
        probabilities = torch.sigmoid(self.tags(penultimate))
        return MusicnnOutputs(probabilities, mean_pool, max_pool, penultimate)


class FilterBank(nn.Module):
    """Convolution, rectifier, batch normalisation and maximum over the last axis, in one.

    [batch, channels, columns, rows] to [batch, filters, columns]; "same" padding over the columns.
    """

    def __init__(self, kernel: NDArray[np.float64], tensors: Tensors, number: int) -> None:
        super().__init__()
        bias = tensors[f"{_numbered('conv2d', number)}/bias"].astype(np.float64)
        scale, shift = normalisation_of(tensors, number + 1)
        reach = np.abs(kernel).sum(axis=(1, 2, 3)) * LARGEST_INPUT * np.abs(scale)
        live = np.flatnonzero(reach > NEGLIGIBLE)
        sign = np.where(scale < 0, -1.0, 1.0)
        constant = np.maximum(bias, 0) * scale + shift
        length = kernel.shape[2]
        self.padding = ((length - 1) // 2, length // 2)
        arrays = {
            "kernel": (kernel * sign[:, None, None, None])[live],
            "sign": sign[live, None],
            "bias": bias[live, None],
            "scale": scale[live, None],
            "shift": shift[live, None],
            "constant": constant[:, None],
        }
        for name, array in arrays.items():
            self.register_buffer(name, torch.from_numpy(array.astype(np.float32)))
        self.register_buffer("live", torch.from_numpy(live))

    def forward(self, image: Tensor) -> Tensor:
        """Live filters are computed, dead ones are constant."""
        constant, live = self.get_buffer("constant"), self.get_buffer("live")
        outputs = constant.expand(len(image), -1, image.shape[2]).contiguous()
        if not len(live):
            return outputs
        padded = functional.pad(image, (0, 0, *self.padding))
        highest = functional.conv2d(padded, self.get_buffer("kernel")).amax(dim=3)
        rectified = functional.relu(highest * self.get_buffer("sign") + self.get_buffer("bias"))
        values = rectified * self.get_buffer("scale") + self.get_buffer("shift")
        return outputs.index_copy(1, live, values.to(outputs.dtype))


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


def _linear(weight: NDArray[np.float64], bias: NDArray[np.float64]) -> nn.Linear:
    layer = nn.Linear(*weight.shape)
    layer.weight.data = torch.from_numpy(weight.T.astype(np.float32).copy())
    layer.bias.data = torch.from_numpy(bias.astype(np.float32))
    return layer.requires_grad_(requires_grad=False)
