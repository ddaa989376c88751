"""Pooling over time: from features of any length to one set of features.

Each module takes [batch, features, columns] and gives [batch, features × `multiple`].
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from embedder.errors import UnknownChoice


class MeanPooling(nn.Module):
    """The mean over time."""

    multiple: ClassVar[int] = 1

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.n_features = n_features

    def forward(self, features: Tensor) -> Tensor:
        """[batch, features, columns] to [batch, features]."""
        return features.mean(dim=-1)


class MaxPooling(MeanPooling):
    """The greatest value over time."""

    def forward(self, features: Tensor) -> Tensor:
        """[batch, features, columns] to [batch, features]."""
        return features.amax(dim=-1)


class StatisticsPooling(MeanPooling):
    """Mean and standard deviation over time, side by side."""

    multiple: ClassVar[int] = 2

    def forward(self, features: Tensor) -> Tensor:
        """[batch, features, columns] to [batch, 2 × features]."""
        features = features.float()  # in bf16, a variance is mostly rounding errors
        # The small term keeps the gradient finite for features that are constant over time.
        deviation = (features.var(dim=-1, correction=0) + 1e-5).sqrt()
        return torch.cat([features.mean(dim=-1), deviation], dim=-1)


class AttentionPooling(MeanPooling):
    """A weighted mean over time; the network computes the weights, for each feature.

    Two layers, as in attentive statistics pooling (Okabe et al., 2018), without its deviation.
    """

    def __init__(self, n_features: int, *, n_hidden: int = 64) -> None:
        super().__init__(n_features)
        self.hidden = nn.Conv1d(n_features, n_hidden, kernel_size=1)
        self.scores = nn.Conv1d(n_hidden, n_features, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """[batch, features, columns] to [batch, features]."""
        scores: Tensor = self.scores(torch.tanh(self.hidden(features)))
        return (features * scores.softmax(dim=-1)).sum(dim=-1)


class RowStatistics(nn.Module):
    """Each row's mean, deviation, and mean step from column to column."""

    least_columns: ClassVar[int] = 2

    def forward(self, spectrogram: Tensor) -> Tensor:
        """[batch, rows, columns] to float32 [batch, 3 × rows]."""
        rows = spectrogram.float()
        steps = (rows[..., 1:] - rows[..., :-1]).abs().mean(dim=-1)
        return torch.cat([rows.mean(dim=-1), rows.std(dim=-1, correction=0), steps], dim=-1)


POOLINGS: dict[str, type[MeanPooling]] = {
    "mean": MeanPooling,
    "max": MaxPooling,
    "statistics": StatisticsPooling,
    "attention": AttentionPooling,
}


def build_pooling(kind: str, *, n_features: int) -> MeanPooling:
    """The pooling that a configuration names."""
    if kind not in POOLINGS:
        raise UnknownChoice("pooling", kind, POOLINGS)
    return POOLINGS[kind](n_features)
