"""A projection fitted to labels in one step, instead of by gradient.

A ridge regression to the labels, beside where the model that one starts from puts the tracks: new
neighbours agree in label, and what the model knew of likeness stays. Both are linear in what stands
before the projection, so together they are a projection again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from embedder.config.training import TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.errors import ConfigError
from embedder.training.feeding.sources import BatchSource, Rows

Matrix = NDArray[np.float64]
MIN_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True)
class Affine:
    """weight [outputs, inputs], bias [outputs]"""

    weight: Matrix
    bias: Matrix

    @classmethod
    def of(cls, layer: nn.Linear) -> "Affine":
        """What a layer does."""
        return cls(*(part.detach().cpu().double().numpy() for part in (layer.weight, layer.bias)))

    def __call__(self, inputs: Matrix) -> Matrix:
        """[n, inputs] to [n, outputs]."""
        outputs: Matrix = inputs @ self.weight.T + self.bias
        return outputs


def check_fit(config: TrainingConfig, labels: Matrix) -> None:
    """Refuse what is not linear, and labels that tell nothing apart."""
    if config.model.geometry == "poincare":
        raise ConfigError("transfer.fit: a fitted projection is linear; poincare has no such thing")
    if config.transfer.hidden_size:
        raise ConfigError("transfer.fit: a fitted projection is linear; leave out hidden_size")
    if not config.loop.epochs and any(one.kind == "tagging" for one in config.objectives):
        raise ConfigError(
            "transfer.fit: a tagging head is trained, not fitted: give loop.epochs=10, or another "
            "objective than tagging"
        )
    if labels.any(axis=0).sum() < 2:
        raise ConfigError("transfer.fit: the training tracks need two labels at least")


@torch.no_grad()
def fit(
    layer: nn.Linear,
    features: Matrix,
    labels: Matrix,
    base: Affine,
    transfer: TransferConfig,
    *,
    sizes: Sequence[int],
) -> None:
    """Put `fitted_projection` into a layer."""
    fitted = fitted_projection(
        features, labels, base, size=layer.out_features, transfer=transfer, sizes=sizes
    )
    layer.weight.copy_(torch.from_numpy(fitted.weight))
    layer.bias.copy_(torch.from_numpy(fitted.bias))


def fitted_projection(
    features: Matrix,
    targets: Matrix,
    base: Affine,
    *,
    size: int,
    transfer: TransferConfig,
    sizes: Sequence[int],
) -> Affine:
    """The `size` main directions of what the labels' regression and the base say of each track.

    features: [tracks, inputs], what stands before the projection.
    targets: [tracks, n], 1 where a track has a label; from a row of zeros nothing is learnt.
    sizes: how many inputs are of each kind. A kind weighs as much as any other, however many.
    """
    is_labelled = targets.any(axis=1)
    labels = _label_regression(
        features[is_labelled], targets[is_labelled], transfer.fit_shrinkage, sizes
    )
    parts = [
        (weight / max(_length(part(features)), MIN_DEVIATION), part)
        for weight, part in ((1.0, labels), (transfer.fit_base_weight, base))
    ]
    weight = np.vstack([scale * part.weight for scale, part in parts])
    bias = np.hstack([scale * part.bias for scale, part in parts])
    _, _, directions = np.linalg.svd(features @ weight.T + bias, full_matrices=False)
    kept = np.zeros((size, len(weight)))
    kept[: len(directions)] = directions[:size]
    return Affine(kept @ weight, kept @ bias)


def track_features(source: BatchSource, rows: Rows) -> Matrix:
    """The mean of each track's excerpts: [tracks, size]."""
    means = [source.excerpts(int(row)).flatten(1).double().mean(dim=0) for row in rows]
    return np.asarray(torch.stack(means).numpy(), dtype=np.float64)


def _label_regression(
    features: Matrix, targets: Matrix, shrinkage: float, sizes: Sequence[int]
) -> Affine:
    """Ridge regression on standardised features; around the tracks' mean it says nothing."""
    mean = features.mean(axis=0)
    deviation = np.maximum(features.std(axis=0), MIN_DEVIATION)
    deviation *= np.sqrt(np.repeat(sizes, sizes))
    standard = (features - mean) / deviation
    wanted = targets - targets.mean(axis=0)
    penalty = shrinkage * np.square(standard).sum(axis=1).mean()
    n_tracks, n_inputs = standard.shape
    if n_tracks < n_inputs:  # the same weights, from the smaller of two systems
        by_track = standard @ standard.T + penalty * np.eye(n_tracks)
        weight = np.linalg.solve(by_track, wanted).T @ standard
    else:
        by_input = standard.T @ standard + penalty * np.eye(n_inputs)
        weight = np.linalg.solve(by_input, standard.T @ wanted).T
    weight = weight / deviation
    return Affine(weight, -weight @ mean)


def _length(vectors: Matrix) -> float:
    return float(np.sqrt(np.square(vectors).sum(axis=1).mean()))
