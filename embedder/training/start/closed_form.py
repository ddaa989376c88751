"""Linear maps that are computed in one step, without gradients: ridge regression and directions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

Matrix = NDArray[np.float64]
MIN_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True)
class Affine:
    """weight [outputs, inputs], bias [outputs]"""

    weight: Matrix
    bias: Matrix

    @classmethod
    def of(cls, layer: nn.Linear) -> "Affine":
        """The map that a layer computes."""
        return cls(*(part.detach().cpu().double().numpy() for part in (layer.weight, layer.bias)))

    def __call__(self, inputs: Matrix) -> Matrix:
        """[n, inputs] to [n, outputs]."""
        outputs: Matrix = inputs @ self.weight.T + self.bias
        return outputs


def penalised_regression(features: Matrix, targets: Matrix, penalty: Matrix) -> Matrix:
    """The weights [n, features] with the least squared error plus penalty.

    Features and targets are centred. penalty: [features, features].
    """
    square = features.T @ features + penalty
    return np.asarray(np.linalg.solve(square, features.T @ targets).T, dtype=np.float64)


def label_regression(
    features: Matrix, targets: Matrix, shrinkage: float, sizes: Sequence[int]
) -> Affine:
    """Ridge regression on standardised features. It maps the mean of the tracks to zero."""
    mean = features.mean(axis=0)
    deviation = np.maximum(features.std(axis=0), MIN_DEVIATION)
    deviation *= np.sqrt(np.repeat(sizes, sizes))
    standard = (features - mean) / deviation
    centred_targets = targets - targets.mean(axis=0)
    ridge = shrinkage * np.square(standard).sum(axis=1).mean()
    n_tracks, n_inputs = standard.shape
    if n_tracks < n_inputs:  # the same weights, from the smaller of two systems
        by_track = standard @ standard.T + ridge * np.eye(n_tracks)
        weight = np.linalg.solve(by_track, centred_targets).T @ standard
    else:
        weight = penalised_regression(standard, centred_targets, ridge * np.eye(n_inputs))
    weight = weight / deviation
    return Affine(weight, -weight @ mean)


def even_directions(vectors: Matrix, *, size: int, evenness: float) -> Matrix:
    """The main directions [size, d], each divided by a power of its deviation."""
    _, spread, directions = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    deviations = np.maximum(spread[:size] / np.sqrt(len(vectors)), 1e-9)
    scaled: Matrix = directions[:size] / deviations[:, None] ** evenness
    return scaled


def mean_length(vectors: Matrix) -> float:
    """The root of the mean squared length of the rows."""
    return float(np.sqrt(np.square(vectors).sum(axis=1).mean()))
