"""Sampler, objective and metric together: a small network learns its objective."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from embedder.config.batches import SamplerConfig
from embedder.config.objectives import ObjectiveConfig, ObjectiveKind
from embedder.geometry import geometry_of
from embedder.metrics.ranking import neighbour_ranking
from embedder.metrics.voting import neighbour_vote, vote_scores
from embedder.training.objectives.building import build_objectives
from embedder.training.objectives.heads import seeded_linear
from embedder.training.objectives.targets import TrackTargets
from embedder.training.sampling.batches import BatchSampler

N_LABELS = 5
KINDS: tuple[ObjectiveKind, ...] = get_args(ObjectiveKind)


def sounds(n: int, *, seed: int) -> tuple[torch.Tensor, TrackTargets]:
    """Inputs whose label is in six of thirty directions, with noise in the others."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, N_LABELS, n)
    centres = np.random.default_rng(99).normal(size=(N_LABELS, 6)) * 1.5
    inputs = draw.normal(size=(n, 30))
    inputs[:, :6] = centres[labels] + 0.5 * inputs[:, :6]
    inputs[:, 6:] *= 2
    tags = np.eye(N_LABELS, dtype=np.float32)[labels]
    teacher = centres[labels].astype(np.float32)
    targets = TrackTargets(labels=labels, tags=tags, teacher=teacher)
    return torch.from_numpy(inputs).float(), targets


@pytest.mark.parametrize(
    "geometry",
    [
        "cosine",
        pytest.param("euclidean", marks=pytest.mark.slow),
        pytest.param("poincare", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_held_out_votes_get_better_with_training(kind: ObjectiveKind, geometry: str) -> None:
    """The accuracy rises to almost 1 for every objective in every geometry."""
    space = geometry_of(geometry)
    seeded = torch.Generator().manual_seed(0)
    network = nn.Sequential(
        seeded_linear(30, 24, generator=seeded), nn.ReLU(), seeded_linear(24, 8, generator=seeded)
    )
    inputs, targets = sounds(200, seed=0)
    # Distances reach 2 on the sphere and 15 in the ball: margins and temperatures follow.
    reach = {"cosine": 1, "euclidean": 2, "poincare": 5}[geometry]
    margin = 0.1 if kind == "proxy-anchor" else 0.5
    config = ObjectiveConfig(kind=kind, margin=margin * reach, temperature=0.1 * reach)
    objective = build_objectives(
        [config], targets.facts(), embedding_size=8, geometry=space, generator=seeded
    )
    sampler = BatchSampler(SamplerConfig(groups_per_batch=5, tracks_per_group=8), targets)
    before = held_out_accuracy(network, geometry)
    parameters = [*network.parameters(), *objective.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=0.01)
    for epoch in range(16):
        for batch in sampler.plan(epoch):
            optimiser.zero_grad()
            embeddings = space.project(network(inputs[batch.rows]))
            value = objective(embeddings, targets.batch(batch.rows), generator=seeded)
            torch.autograd.backward(value.loss)
            optimiser.step()
    after = held_out_accuracy(network, geometry)
    assert before < 0.4
    assert after > 0.8


def held_out_accuracy(network: nn.Module, geometry: str) -> float:
    """The accuracy of votes by five training tracks on tracks that were not trained on."""
    space = geometry_of(geometry)
    references, reference_targets = sounds(200, seed=0)
    queries, query_targets = sounds(100, seed=1)
    with torch.no_grad():
        neighbours = neighbour_ranking(
            space.project(network(queries)).numpy(),
            space.project(network(references)).numpy(),
            geometry=space,
            k=5,
        )
    assert reference_targets.labels is not None
    assert query_targets.labels is not None
    shares = neighbour_vote(neighbours, reference_targets.labels, n_labels=N_LABELS)
    return vote_scores(shares, query_targets.labels).accuracy
