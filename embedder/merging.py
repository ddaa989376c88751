"""Several trained networks as one: side by side, with a projection that evens out their space.

The networks keep their weights. Their vectors, each scaled to the same mean length, stand one after
another, and behind them, if wanted, the cepstrum; the main directions of that space over some
tracks, each divided by a power of its deviation, become the new vector. All of it is linear in the
features, so it goes into one projection.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from embedder.backbones.cepstrum import Cepstrum
from embedder.backbones.members import Members
from embedder.backbones.network import EmbeddingNetwork
from embedder.errors import ConfigError

Matrix = NDArray[np.float64]


def merged_network(
    networks: Sequence[EmbeddingNetwork],
    levels: Tensor,
    *,
    size: int,
    evenness: float,
    cepstrum: int = 0,
    cepstrum_length: float = 0.5,
) -> EmbeddingNetwork:
    """One network of the given ones, all of one configuration.

    levels: [tracks, rows, columns], the tracks whose vectors say which directions matter.
    evenness: 0 keeps the directions as wide as they are, 1 makes them all equally wide.
    cepstrum: so many coefficients; `cepstrum_length` is the mean length of what they add, where
    each network's vector has 1.
    """
    config = networks[0].config
    if any(network.config != config for network in networks) or config.backbone.members > 1:
        raise ConfigError("only networks of one and the same configuration can be merged")
    if config.backbone.cepstrum:
        raise ConfigError("the networks have a cepstrum each: merge networks without one")
    if size > min(len(networks) * config.embedding_size + 2 * cepstrum, len(levels) - 1):
        raise ConfigError(
            f"size = {size}: {len(networks)} networks of {config.embedding_size} and "
            f"{len(levels)} tracks have fewer directions"
        )
    backbone = dataclasses.replace(config.backbone, members=len(networks), cepstrum=cepstrum)
    merged = EmbeddingNetwork(dataclasses.replace(config, backbone=backbone, embedding_size=size))
    _copy_members(merged, networks)
    parts = [_part_of(network, levels) for network in networks]
    weights = [_side_by_side([part.weight for part in parts], networks[0].pooling.multiple)]
    if merged.cepstrum is not None:
        parts.append(_cepstral_part(merged.cepstrum, levels, length=cepstrum_length))
        weights.append(parts[-1].weight)
    together = np.concatenate([part.outputs for part in parts], axis=1)
    directions = torch.from_numpy(_even_directions(together, size=size, evenness=evenness))
    weight = directions @ torch.block_diag(*weights)  # type: ignore[no-untyped-call]  # torch's own
    bias = directions @ torch.cat([part.bias for part in parts])
    merged.projection.load_state_dict({"weight": weight.float(), "bias": bias.float()})
    return merged.eval()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What one part gives on the tracks [tracks, d], and by which weights [d, features]."""

    outputs: Matrix
    weight: Tensor
    bias: Tensor


def _part_of(network: EmbeddingNetwork, levels: Tensor) -> _Part:
    outputs = _projected(network, levels)
    scale = 1 / float(np.linalg.norm(outputs, axis=1).mean())
    weight, bias = (p.detach().double() for p in network.projection.parameters())
    return _Part(scale * outputs, scale * weight, scale * bias)


@torch.inference_mode()
def _cepstral_part(cepstrum: Cepstrum, levels: Tensor, *, length: float) -> _Part:
    """Its scale is learnt from the tracks."""
    cepstrum.norm.momentum = None  # the plain mean over all that it sees
    cepstrum.train()(levels)
    outputs: Matrix = cepstrum.eval()(levels).double().numpy()
    scale = length / float(np.linalg.norm(outputs, axis=1).mean())
    weight = scale * torch.eye(cepstrum.size, dtype=torch.float64)
    return _Part(scale * outputs, weight, torch.zeros(cepstrum.size, dtype=torch.float64))


def _copy_members(merged: EmbeddingNetwork, networks: Sequence[EmbeddingNetwork]) -> None:
    """A lone network is no member and has its normalisation in front."""
    if not isinstance(merged.backbone, Members):
        merged.row_norm.load_state_dict(networks[0].row_norm.state_dict())
        merged.backbone.load_state_dict(networks[0].backbone.state_dict())
        return
    for member, network in zip(merged.backbone.members, networks, strict=True):
        whole = nn.Sequential(network.row_norm, network.backbone)
        member.load_state_dict(whole.state_dict())


@torch.inference_mode()
def _projected(network: EmbeddingNetwork, levels: Tensor) -> Matrix:
    """What the projection gives before it is brought to unit length: [tracks, size]."""
    network = network.eval()
    parts = [
        network.projection(network.features(levels[at : at + 64]))
        for at in range(0, len(levels), 64)
    ]
    numbers: Matrix = torch.cat(parts).double().numpy()
    return numbers


def _even_directions(vectors: Matrix, *, size: int, evenness: float) -> Matrix:
    """The main directions [size, d], each over a power of its deviation.

    The mean stays where it is: taken away, what two forms of one recording differ in grew by half.
    """
    _, spread, directions = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    deviations = np.maximum(spread[:size] / np.sqrt(len(vectors)), 1e-9)
    scaled: Matrix = directions[:size] / deviations[:, None] ** evenness
    return scaled


def _side_by_side(weights: Sequence[Tensor], n_parts: int) -> Tensor:
    """Projections as one, [sum of sizes, features of all]: a pooling that gives several numbers for
    a feature gives the first for all members, then the second.
    """
    by_part = [
        torch.block_diag(*(weight.chunk(n_parts, dim=1)[part] for weight in weights))  # type: ignore[no-untyped-call]  # torch's own
        for part in range(n_parts)
    ]
    return torch.cat(by_part, dim=1)
