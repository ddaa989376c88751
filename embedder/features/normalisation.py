"""Normalise levels before a network reads them: not at all, per clip, or by training statistics.

Each is a module from [batch, rows, columns] to the same shape, so stored spectrograms (levels 0…1)
are normalised like audio.
"""

import torch
from torch import Tensor, nn

from embedder.config.model import Normalisation
from embedder.errors import UnknownChoice
from embedder.features.arrays.normalising import MIN_CLIP_DEVIATION, MIN_DEVIATION


class NoNormalisation(nn.Module):
    """Levels unchanged."""

    def forward(self, levels: Tensor) -> Tensor:
        """[batch, rows, columns] to the same."""
        return levels


class ClipNormalisation(nn.Module):
    """Each clip to mean 0 and deviation 1 over all its rows and columns; silence stays 0."""

    def forward(self, levels: Tensor) -> Tensor:
        """[batch, rows, columns] to the same."""
        variance, mean = torch.var_mean(levels, dim=(-2, -1), correction=0, keepdim=True)
        return (levels - mean) / variance.sqrt().clamp(min=MIN_CLIP_DEVIATION)


class RunningNormalisation(nn.Module):
    """Each row to mean 0 and deviation 1 over all training excerpts.

    The statistics are exact sums over training batches (a moving average would forget, and depend
    on the batch size). They are buffers, so they are saved with the weights. Outside training they
    do not change; before any training, levels pass unchanged.
    """

    mean: Tensor
    variance: Tensor
    n_columns: Tensor

    def __init__(self, n_rows: int) -> None:
        super().__init__()
        self.is_frozen = False
        """Whether the statistics stay fixed in training too, because the network is frozen."""
        self.register_buffer("mean", torch.zeros(n_rows))
        self.register_buffer("variance", torch.ones(n_rows))
        self.register_buffer("n_columns", torch.zeros((), dtype=torch.int64))

    def forward(self, levels: Tensor) -> Tensor:
        """[batch, rows, columns] to the same; a training batch updates the statistics first."""
        if self.training and not self.is_frozen:
            self._learn(levels.detach())
        deviation = self.variance.sqrt().clamp(min=MIN_DEVIATION)
        return (levels - self.mean[:, None]) / deviation[:, None]

    @torch.no_grad()
    def _learn(self, levels: Tensor) -> None:
        """Update mean and variance by a batch (Chan et al., 1983)."""
        if levels.shape[0] * levels.shape[2] == 0:
            return
        count, mean, variance = self._statistics(levels)
        n_before = int(self.n_columns)
        share = count / (n_before + count)
        difference = mean - self.mean
        spread = torch.lerp(self.variance, variance, share) if n_before else variance
        # Mean and variance move towards the batch by its share of all columns.
        self.variance.copy_(spread + (share * (1 - share)) * difference.square() * bool(n_before))
        self.mean.add_(difference * share)
        self.n_columns.add_(count)

    def _statistics(self, levels: Tensor) -> tuple[int, Tensor, Tensor]:
        """Columns of a batch, and mean and variance of its rows."""
        variance, mean = torch.var_mean(levels.float(), dim=(0, 2), correction=0)
        return levels.shape[0] * levels.shape[2], mean, variance


def build_normalisation(kind: Normalisation, *, n_rows: int) -> nn.Module:
    """The module that a setting names."""
    if kind == "none":
        return NoNormalisation()
    if kind == "clip":
        return ClipNormalisation()
    if kind == "running":
        return RunningNormalisation(n_rows)
    raise UnknownChoice("normalisation", kind, ("none", "clip", "running"))
