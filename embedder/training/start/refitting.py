"""The part of a run that learns labels in one step, fitted again to other tracks of the run."""

import copy

import numpy as np
from numpy.typing import NDArray
from torch import nn

from embedder.config.training import TrainingConfig
from embedder.models.loaded import LoadedModel
from embedder.training.feeding.frozen_vectors import VectorSource
from embedder.training.feeding.known_tracks import KnownTracks
from embedder.training.feeding.sources import Rows
from embedder.training.start.closed_form import Affine
from embedder.training.start.fitting import fit, track_features
from embedder.training.start.inheriting import inherited_network
from embedder.training.start.starting_point import (
    FeatureHead,
    HeadOfNetwork,
    ProjectionOnEncoder,
    StartingPoint,
    projection_on,
)


def has_frozen_features(start: StartingPoint) -> bool:
    """Whether the inputs of all tracks are computed, so that a new fit takes a moment."""
    return isinstance(start.source, VectorSource)


def untrained_network(
    start: StartingPoint,
    known: KnownTracks,
    config: TrainingConfig,
    *,
    rows: Rows,
    base: LoadedModel,
) -> nn.Module:
    """The projection as it is before training on `rows`, for the source of the run."""
    if isinstance(start, ProjectionOnEncoder):
        return projection_on(config, start.source, base, rows, known.indicators(rows)).network
    network = inherited_network(base, config.model, seed=config.loop.seed)
    return FeatureHead(network.projection, network.geometry)


def refitted_network(
    start: StartingPoint, config: TrainingConfig, rows: Rows, labels: NDArray[np.float64]
) -> nn.Module:
    """The projection, fitted to `rows` alone. Without `transfer.fit` or epochs: the features.

    labels: 1 for each label of these tracks, as `KnownTracks.indicators` gives them.
    """
    if not config.transfer.fit:
        return nn.Flatten()
    if isinstance(start, ProjectionOnEncoder):
        return projection_on(config, start.source, start.base, rows, labels).network
    assert isinstance(start, HeadOfNetwork)  # noqa: S101  # see has_frozen_features
    assert isinstance(start.before, FeatureHead)  # noqa: S101  # a fit has one
    network = copy.deepcopy(start.network).cpu()
    assert isinstance(network, FeatureHead)  # noqa: S101  # what starting_point makes
    fit(
        network.projection,
        track_features(start.source, rows),
        labels,
        Affine.of(start.before.projection),
        config.transfer,
        sizes=start.whole.feature_sizes,
    )
    return network
