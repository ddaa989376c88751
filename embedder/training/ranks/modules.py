"""Layers that look at a whole batch, for a batch that several processes share.

Batch normalisation and the normalisation of the front end take their statistics over all ranks
(PyTorch's own SyncBatchNorm needs GPUs), and dropout draws for the whole batch, so that the
network trains as in one process.
"""

from typing import Any

import torch
from torch import Tensor, nn

from embedder.features.normalisation import RunningNormalisation
from embedder.training.ranks.ranks import Ranks

_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d)


def share_batches(module: nn.Module, ranks: Ranks) -> None:
    """Replace such layers inside a module; weights, statistics and their names stay the same."""
    if ranks.n == 1:
        return
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            setattr(module, name, SharedBatchNorm(child, ranks))
        elif isinstance(child, _DROPOUTS):
            setattr(module, name, SharedDropout(child, ranks))
        elif isinstance(child, RunningNormalisation):
            setattr(module, name, SharedNormalisation(child, ranks))
        else:
            share_batches(child, ranks)


class SharedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation of [batch, channels, ...] over the batches of all ranks."""

    def __init__(self, layer: nn.BatchNorm1d | nn.BatchNorm2d, ranks: Ranks) -> None:
        super().__init__(layer.num_features, layer.eps, layer.momentum, layer.affine)
        self._parameters = layer._parameters
        self._buffers = layer._buffers
        self.training = layer.training
        self.ranks = ranks

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002  # PyTorch's name
        """Any number of axes: it stands for one and two dimensions."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # PyTorch's name
        """[batch, channels, ...] to the same."""
        if not self.training:
            return super().forward(input)
        levels = input.float()
        axes = [axis for axis in range(levels.ndim) if axis != 1]
        shape = [1, -1] + [1] * (levels.ndim - 2)
        count = self.ranks.total(levels.new_tensor(levels.numel() / levels.shape[1]))
        mean = self.ranks.total(levels.sum(axes)) / count
        centred = levels - mean.view(shape)
        variance = self.ranks.total(centred.square().sum(axes)) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scaled = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            scaled = scaled * self.weight.view(shape) + self.bias.view(shape)
        normalised: Tensor = scaled.to(input.dtype)
        return normalised

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None  # noqa: S101  # it goes with the others
        self.num_batches_tracked.add_(1)
        share = self.momentum
        if share is None:
            share = 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


class SharedDropout(nn.Module):
    """The rows of the mask that one process would draw for the whole batch."""

    def __init__(self, layer: Any, ranks: Ranks) -> None:
        super().__init__()
        self.layer = layer
        self.ranks = ranks

    def forward(self, values: Tensor) -> Tensor:
        """[batch, ...] to the same."""
        if not self.training or not self.layer.p:
            return values
        n_before, n_after = self.ranks.n_before, self.ranks.n_after
        shape = (n_before + len(values) + n_after, *values.shape[1:])
        mask = self.layer(torch.ones(shape, dtype=values.dtype, device=values.device))
        kept: Tensor = values * mask[n_before : n_before + len(values)]
        return kept


class SharedNormalisation(RunningNormalisation):
    """The running normalisation of levels, with the sums of all ranks."""

    def __init__(self, layer: RunningNormalisation, ranks: Ranks) -> None:
        super().__init__(len(layer.mean))
        self._buffers = layer._buffers
        self.is_frozen = layer.is_frozen
        self.training = layer.training
        self.ranks = ranks

    def _statistics(self, levels: Tensor) -> tuple[int, Tensor, Tensor]:
        levels = levels.float()
        count = self.ranks.total(levels.new_tensor(float(levels.shape[0] * levels.shape[2])))
        mean = self.ranks.total(levels.sum(dim=(0, 2))) / count
        squares = (levels - mean[:, None]).square().sum(dim=(0, 2))
        return int(count), mean, self.ranks.total(squares) / count
