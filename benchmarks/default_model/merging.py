"""Several trained networks as one: side by side, with one projection fitted to all of them.

The networks keep their weights; what they pool stands side by side. On it a ridge regression learns
the given targets while it is told what not to hear, and the main directions of its predictions,
each divided by a power of its deviation, become the new vector, beside a constant that is the same
for all: a track of which little is predicted would be all noise at unit length without it. All of
this is linear, so it goes into one projection.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from embedder.config.model import BackboneConfig
from embedder.errors import ConfigError
from embedder.networks.branch import Branch
from embedder.networks.fusion import fused_for_inference
from embedder.networks.members import Members
from embedder.networks.network import EmbeddingNetwork
from embedder.training.start.closed_form import Matrix, even_directions, penalised_regression

Form = Callable[[Tensor], Tensor]
N_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Indifference:
    """Two forms of any track that the vector shall not tell apart, and how strictly."""

    other: Form
    strictness: float
    one: Form | None = None
    """The track as it is where none is given."""


def merged_network(
    networks: Sequence[EmbeddingNetwork],
    levels: Tensor,
    targets: Matrix,
    *,
    size: int,
    evenness: float,
    shrinkage: float,
    constant: float = 0.0,
    indifferent_to: Sequence[Indifference] = (),
    kind_weights: Sequence[float] = (),
) -> EmbeddingNetwork:
    """One network of the given ones, which hear the same. Those of one backbone become its
    members, in the order given, and each kind of backbone weighs as `kind_weights` says, in the
    order in which they come, or as much as any other.

    levels: [tracks, rows, columns], the tracks that it is fitted on.
    targets: [tracks, n], what the projection is to tell of them.
    evenness: 0 keeps the directions as wide as they are, 1 makes them all equally wide.
    shrinkage: the ridge, as a multiple of the mean squared length of a track's features.
    constant: how long the constant part is beside the mean length of the rest; it takes one of the
        `size` numbers, and 0 is none.
    """
    merged = _side_by_side(networks, size=size)
    n_directions = size - (constant > 0)
    most = min(merged.feature_size, targets.shape[1], len(levels) - 1)
    if n_directions > most:
        raise ConfigError(
            f"size = {size}: {merged.feature_size} features, {targets.shape[1]} targets and "
            f"{len(levels)} tracks have {most} directions at most"
        )
    hears = fused_for_inference(merged)
    features = _features(hears, levels)
    mean, deviation = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    weights = np.asarray(kind_weights or [1.0] * len(merged.feature_sizes))
    n_kinds = len(merged.feature_sizes)
    if len(weights) != n_kinds:
        raise ConfigError(f"kind_weights: {len(weights)}, and there are {n_kinds} kinds")
    deviation *= np.repeat(np.sqrt(merged.feature_sizes) / weights, merged.feature_sizes)
    standard = (features - mean) / deviation
    penalty = np.diag(np.full(features.shape[1], shrinkage * np.square(standard).sum(1).mean()))
    for forms in indifferent_to:
        one = features if forms.one is None else _features(hears, levels, forms.one)
        difference = (one - _features(hears, levels, forms.other)) / deviation
        penalty += forms.strictness * difference.T @ difference
    fitted = penalised_regression(standard, targets - targets.mean(axis=0), penalty)
    directions = even_directions(standard @ fitted.T, size=n_directions, evenness=evenness)
    weight = directions @ fitted / deviation
    bias = -weight @ mean
    if constant > 0:
        length = np.linalg.norm(features @ weight.T + bias, axis=1).mean()
        weight = np.vstack([weight, np.zeros_like(mean)])
        bias = np.append(bias, constant * length)
    merged.projection.load_state_dict(
        {"weight": torch.from_numpy(weight).float(), "bias": torch.from_numpy(bias).float()}
    )
    return merged


def _side_by_side(networks: Sequence[EmbeddingNetwork], *, size: int) -> EmbeddingNetwork:
    """Those of each backbone as members of one branch; the projection is as it began."""
    config = networks[0].config
    kinds: dict[BackboneConfig, list[EmbeddingNetwork]] = {}
    for network in networks:
        settings = network.config
        kinds.setdefault(settings.backbone, []).append(network)
        if dataclasses.replace(settings, backbone=config.backbone) != config:
            raise ConfigError("only networks with the same input can be merged")
        if settings.backbone.members > 1 or settings.beside:
            raise ConfigError("a network that was merged cannot be merged again")
    if any(backbone.pooling == "attention" and len(kinds[backbone]) > 1 for backbone in kinds):
        raise ConfigError("attention was learnt over one network's features: it cannot be merged")
    first, *others = (
        dataclasses.replace(backbone, members=len(members)) for backbone, members in kinds.items()
    )
    merged = EmbeddingNetwork(
        dataclasses.replace(config, backbone=first, beside=tuple(others), embedding_size=size)
    ).eval()
    branches: list[EmbeddingNetwork | Branch] = [merged]
    branches += [branch for branch in merged.beside if isinstance(branch, Branch)]
    for branch, members in zip(branches, kinds.values(), strict=True):
        _copy_members(branch, members)
    return merged


def _copy_members(branch: EmbeddingNetwork | Branch, networks: Sequence[EmbeddingNetwork]) -> None:
    """A lone network is no member and has its normalisation in front."""
    if not isinstance(branch.backbone, Members):
        branch.row_norm.load_state_dict(networks[0].row_norm.state_dict())
        branch.backbone.load_state_dict(networks[0].backbone.state_dict())
        branch.pooling.load_state_dict(networks[0].pooling.state_dict())
        return
    for member, network in zip(branch.backbone.members, networks, strict=True):
        whole = nn.Sequential(network.row_norm, network.backbone)
        member.load_state_dict(whole.state_dict())


@torch.inference_mode()
def _features(network: EmbeddingNetwork, levels: Tensor, form: Form | None = None) -> Matrix:
    """What the projection starts from: [tracks, features]."""
    parts = []
    for at in range(0, len(levels), N_AT_ONCE):
        some = levels[at : at + N_AT_ONCE]
        parts.append(network.features(form(some) if form else some))
    numbers: Matrix = torch.cat(parts).double().numpy()
    return numbers
