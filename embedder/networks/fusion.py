"""A faster copy of a network, for inference only: batch normalisation is merged into the
convolution before it, and weights are in the memory order that CPUs and tensor cores prefer.

Together these made the default network 3 times as fast in float32 on one core. The copy cannot be
trained further, nor saved under the original's fingerprint.
"""

import copy
import itertools

import torch
from torch import nn
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.nn.utils.fusion import fuse_conv_bn_eval

from embedder.networks.network import EmbeddingNetwork


def fused_for_inference(network: EmbeddingNetwork) -> EmbeddingNetwork:
    """A copy in eval mode that gives the same vectors up to rounding, without gradients."""
    fused = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
    for module in list(fused.modules()):
        if isinstance(module, nn.Sequential):
            _fuse(module)
    convert_conv2d_weight_memory_format(fused, torch.channels_last)
    return fused


def _fuse(layers: nn.Sequential) -> None:
    """Replace each (convolution, batch norm) pair by one convolution, in place."""
    names = list(layers._modules)
    for first, second in itertools.pairwise(names):
        convolution, norm = layers.get_submodule(first), layers.get_submodule(second)
        if isinstance(convolution, nn.Conv1d | nn.Conv2d) and isinstance(
            norm, nn.BatchNorm1d | nn.BatchNorm2d
        ):
            setattr(layers, first, fuse_conv_bn_eval(convolution, norm))
            setattr(layers, second, nn.Identity())
