"""MusiCNN, the tagging network of Pons and Serra (2019), built from the tensors of its checkpoint.

    mel patch ─▶ 2 timbral and 3 temporal filter banks, max over frequency ─▶ 561 channels
              ─▶ 3 convolutions over time, the last two residual            ─▶ 753 with the 561
              ─▶ max and mean over time, interleaved ─▶ dense (200) ─▶ dense ─▶ tags

Two things make it fast. Training left most filters of the first layers with weights of about
1e-30: their output is constant, so they are not computed. And the maximum over frequency comes
before the rectifier and the batch normalisation, which are monotone: where the normalisation's
factor is negative, the filter is negated, so that its minimum becomes the maximum.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from embedder.networks.musicnn_weights import (
    FILTER_BANKS,
    N_FILTERINGS,
    Layer,
    Tensors,
    bank_of,
    dense_of,
    kernel_of,
    normalisation_of,
    same_padding,
)


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
        kernels = [kernel_of(tensors, number) for number in range(N_FILTERINGS)]
        # TensorFlow's kernels are [time, frequency or channels, 1, filters].
        self.banks = nn.ModuleList(
            FilterBank(kernels[number].transpose(3, 2, 0, 1), tensors, number)
            for number in range(FILTER_BANKS)
        )
        self.convolutions = nn.ModuleList(
            FilterBank(kernels[number].transpose(3, 1, 0, 2), tensors, number)
            for number in range(FILTER_BANKS, N_FILTERINGS)
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
        bank = bank_of(kernel, tensors, number)
        self.padding = same_padding(kernel.shape[2])
        arrays = {
            "kernel": bank.kernel[bank.live],
            "sign": bank.sign[bank.live, None],
            "bias": bank.bias[bank.live, None],
            "scale": bank.scale[bank.live, None],
            "shift": bank.shift[bank.live, None],
            "constant": bank.constant[:, None],
        }
        for name, array in arrays.items():
            self.register_buffer(name, torch.from_numpy(array.astype(np.float32)))
        self.register_buffer("live", torch.from_numpy(bank.live))

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


def _linear(weight: NDArray[np.float64], bias: NDArray[np.float64]) -> nn.Linear:
    layer = nn.Linear(*weight.shape)
    layer.weight.data = torch.from_numpy(weight.T.astype(np.float32).copy())
    layer.bias.data = torch.from_numpy(bias.astype(np.float32))
    return layer.requires_grad_(requires_grad=False)
