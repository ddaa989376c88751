"""A projection fitted to labels in one step, instead of by gradient.

A ridge regression to the labels stands beside the vectors of the model that the run starts from:
neighbours then agree in label, and the model's own similarity is kept. Both are linear in the
inputs of the projection, so together they are a projection again.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from embedder.config.training import TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.errors import ConfigError
from embedder.training.feeding.sources import BatchSource, Rows
from embedder.training.start.closed_form import (
    MIN_DEVIATION,
    Affine,
    Matrix,
    label_regression,
    mean_length,
)


def check_fit(config: TrainingConfig, labels: Matrix) -> None:
    """Refuse settings that are not linear, and fewer than two labels."""
    if config.model.geometry == "poincare":
        raise ConfigError("transfer.fit: a fitted projection is linear, and poincare is not")
    if config.transfer.hidden_size:
        raise ConfigError("transfer.fit: a fitted projection is linear; leave out hidden_size")
    if not config.loop.epochs and any(o.kind == "tagging" for o in config.objectives):
        raise ConfigError(
            "transfer.fit: a tagging head is trained, not fitted: give loop.epochs=10, or another "
            "objective than tagging"
        )
    if labels.any(axis=0).sum() < 2:
        raise ConfigError("transfer.fit: the training tracks need at least two labels")


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
    """The `size` main directions of the labels' regression and the base's vectors, side by side.

    features: [tracks, inputs], the inputs of the projection.
    targets: [tracks, n], 1 where a track has a label; rows of zeros are ignored.
    sizes: the number of inputs of each kind. All kinds have the same weight.
    """
    is_labelled = targets.any(axis=1)
    labels = label_regression(
        features[is_labelled], targets[is_labelled], transfer.fit_shrinkage, sizes
    )
    parts = [
        (weight / max(mean_length(part(features)), MIN_DEVIATION), part)
        for weight, part in ((1.0, labels), (transfer.fit_base_weight, base))
    ]
    weight = np.vstack([scale * part.weight for scale, part in parts])
    bias = np.hstack([scale * part.bias for scale, part in parts])
    _, _, directions = np.linalg.svd(features @ weight.T + bias, full_matrices=False)
    main = np.zeros((size, len(weight)))
    main[: len(directions)] = directions[:size]
    return Affine(main @ weight, main @ bias)


def track_features(source: BatchSource, rows: Rows) -> Matrix:
    """The mean of each track's excerpts: [tracks, size]."""
    means = [source.excerpts(int(row)).flatten(1).double().mean(dim=0) for row in rows]
    return np.asarray(torch.stack(means).numpy(), dtype=np.float64)
