"""How weights are stored in a file: unchanged, in 16 bits, or in 8.

In 8 bits a weight is a whole number of steps. Every `GROUP` consecutive weights have a step of
their own, stored as NAME.steps. Tensors with one axis (biases, normalisation) keep 32 bits.
Packing unpacked weights again does not change them.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from embedder.models.kinds.packed_arrays import GROUP, STEPS, unpacked_array

WeightBits = Literal[8, 16, 32]


def packed(tensors: Mapping[str, Tensor], bits: WeightBits) -> dict[str, Tensor]:
    """The tensors to write."""
    file_tensors: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        is_unchanged = bits == 32 or tensor.ndim <= 1 or not tensor.is_floating_point()
        if is_unchanged:
            file_tensors[name] = tensor
        elif bits == 16:
            file_tensors[name] = tensor.half()
        else:
            groups = _in_groups(tensor.float())
            steps = groups.abs().amax(dim=1) / 127
            counts = (groups / steps.clamp(min=1e-30)[:, None]).round().clamp(-127, 127)
            file_tensors[name] = (
                counts.flatten()[: tensor.numel()].view(tensor.shape).to(torch.int8)
            )
            file_tensors[name + STEPS] = steps
    return file_tensors


def unpacked(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Packed tensors in 32 bits again. Steps that fit no weight are returned unchanged."""
    unpacked_tensors: dict[str, Tensor] = {}
    used = set()
    for name, tensor in tensors.items():
        steps = tensors.get(name + STEPS)
        if tensor.dtype == torch.float16:
            unpacked_tensors[name] = tensor.float()
        elif tensor.dtype == torch.int8 and steps is not None and _fit(steps, tensor):
            weights = unpacked_array(tensor.numpy(), steps.numpy())
            unpacked_tensors[name] = torch.from_numpy(weights)
            used.add(name + STEPS)
        else:
            unpacked_tensors[name] = tensor
    return {name: tensor for name, tensor in unpacked_tensors.items() if name not in used}


def _fit(steps: Tensor, weights: Tensor) -> bool:
    return steps.dtype == torch.float32 and steps.shape == (-(-weights.numel() // GROUP),)


def _in_groups(tensor: Tensor) -> Tensor:
    """[groups, GROUP]; the last group is padded with zeros."""
    flat = tensor.flatten()
    return functional.pad(flat, (0, -len(flat) % GROUP)).view(-1, GROUP)
