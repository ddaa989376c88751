"""Several trained networks as one: side by side, with one projection fitted to all of them.

The networks keep their weights, and their pooled features are concatenated. On these features a
ridge regression learns the targets, with a penalty on differences that the vector must ignore. The
main directions of its predictions, each divided by a power of its deviation, become the new vector.
A constant that is the same for all tracks is appended: without it, a track with a small prediction
would be mostly noise at unit length. All of this is linear, so it fits into one projection.
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
    """Two forms of a track that get the same vector, and how strictly this is enforced."""

    second: Form
    strictness: float
    first: Form | None = None
    """None: the track without change."""


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
    """Merge networks with the same input into one.

    Networks with the same backbone become members of one branch, in the given order.

    levels: [tracks, rows, columns], the tracks that the projection is fitted on.
    targets: [tracks, n], what the projection predicts.
    evenness: 0 keeps the spread of each direction, 1 makes all spreads equal.
    shrinkage: the ridge, as a multiple of the mean squared length of a track's features.
    constant: the length of the constant part, as a multiple of the mean length of the rest. It
        takes one of the `size` numbers; 0 adds no constant.
    kind_weights: a weight for each backbone, in order of first appearance; empty: all equal.
    """
    merged = _side_by_side(networks, size=size)
    n_directions = size - (constant > 0)
    most = min(merged.feature_size, targets.shape[1], len(levels) - 1)
    if n_directions > most:
        raise ConfigError(
            f"size = {size}: {merged.feature_size} features, {targets.shape[1]} targets and "
            f"{len(levels)} tracks have {most} directions at most"
        )
    fused = fused_for_inference(merged)
    features = _features(fused, levels)
    mean, deviation = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    weights = np.asarray(kind_weights or [1.0] * len(merged.feature_sizes))
    n_kinds = len(merged.feature_sizes)
    if len(weights) != n_kinds:
        raise ConfigError(f"kind_weights: {len(weights)} weights for {n_kinds} kinds of network")
    deviation *= np.repeat(np.sqrt(merged.feature_sizes) / weights, merged.feature_sizes)
    standard = (features - mean) / deviation
    penalty = np.diag(np.full(features.shape[1], shrinkage * np.square(standard).sum(1).mean()))
    for forms in indifferent_to:
        first_form = features if forms.first is None else _features(fused, levels, forms.first)
        difference = (first_form - _features(fused, levels, forms.second)) / deviation
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
    """The networks as members of one branch per backbone; the projection is not fitted yet."""
    config = networks[0].config
    kinds: dict[BackboneConfig, list[EmbeddingNetwork]] = {}
    for network in networks:
        settings = network.config
        kinds.setdefault(settings.backbone, []).append(network)
        if dataclasses.replace(settings, backbone=config.backbone) != config:
            raise ConfigError("only networks with the same input can be merged")
        if settings.backbone.members > 1 or settings.beside:
            raise ConfigError("a merged network cannot be merged again")
    if any(backbone.pooling == "attention" and len(kinds[backbone]) > 1 for backbone in kinds):
        raise ConfigError("attention pooling is learnt for one network and cannot be merged")
    first_backbone, *other_backbones = (
        dataclasses.replace(backbone, members=len(members)) for backbone, members in kinds.items()
    )
    merged = EmbeddingNetwork(
        dataclasses.replace(
            config, backbone=first_backbone, beside=tuple(other_backbones), embedding_size=size
        )
    ).eval()
    branches: list[EmbeddingNetwork | Branch] = [merged]
    branches += [branch for branch in merged.beside if isinstance(branch, Branch)]
    for branch, members in zip(branches, kinds.values(), strict=True):
        _copy_members(branch, members)
    return merged


def _copy_members(branch: EmbeddingNetwork | Branch, networks: Sequence[EmbeddingNetwork]) -> None:
    """Copy the weights. Members carry their normalisation; a single network has it in `branch`."""
    if not isinstance(branch.backbone, Members):
        branch.row_norm.load_state_dict(networks[0].row_norm.state_dict())
        branch.backbone.load_state_dict(networks[0].backbone.state_dict())
        branch.pooling.load_state_dict(networks[0].pooling.state_dict())
        return
    for member, network in zip(branch.backbone.members, networks, strict=True):
        normalised = nn.Sequential(network.row_norm, network.backbone)
        member.load_state_dict(normalised.state_dict())


@torch.inference_mode()
def _features(network: EmbeddingNetwork, levels: Tensor, form: Form | None = None) -> Matrix:
    """The input of the projection: [tracks, features]."""
    parts = []
    for at in range(0, len(levels), N_AT_ONCE):
        part = levels[at : at + N_AT_ONCE]
        parts.append(network.features(form(part) if form else part))
    numbers: Matrix = torch.cat(parts).double().numpy()
    return numbers
