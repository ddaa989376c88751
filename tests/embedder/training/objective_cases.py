"""Targets, vectors and objectives for the tests of losses."""

import numpy as np
import torch

from embedder.config.objectives import ObjectiveConfig
from embedder.geometry import geometry_of
from embedder.training.objectives.building import build_objective
from embedder.training.objectives.objective import Objective
from embedder.training.objectives.targets import TargetFacts, TrackTargets


def data(n: int = 24, *, seed: int = 0) -> TrackTargets:
    """A data set with every column."""
    draw = np.random.default_rng(seed)
    return TrackTargets(
        labels=draw.integers(-1, 4, n),
        artists=draw.integers(0, 8, n),
        albums=draw.integers(0, 10, n),
        tags=(draw.random((n, 9)) < 0.3).astype(np.float32),
        features=draw.normal(size=(n, 4)).astype(np.float32),
        latent=draw.normal(size=(n, 3)).astype(np.float32),
        teacher=draw.normal(size=(n, 5)).astype(np.float32),
    )


def built(config: ObjectiveConfig, facts: TargetFacts, *, geometry: str = "cosine") -> Objective:
    """The objective for vectors of six numbers."""
    return build_objective(
        config,
        facts,
        embedding_size=6,
        geometry=geometry_of(geometry),
        generator=torch.Generator().manual_seed(0),
    )


def vectors(n: int, *, seed: int = 0) -> torch.Tensor:
    """Free outputs of a network."""
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(seed)) * 0.4
