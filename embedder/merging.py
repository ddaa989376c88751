"""Several trained networks as one: side by side, with a projection that evens out their space.

The networks keep their weights. Their vectors, each scaled to the same mean length, stand one after
another; the main directions of that space over some tracks, each divided by a power of its
deviation, become the new vector. All of it is linear, so it goes into one projection.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from embedder.backbones.members import Members
from embedder.backbones.network import EmbeddingNetwork
from embedder.errors import ConfigError

Matrix = NDArray[np.float64]


def merged_network(
    networks: Sequence[EmbeddingNetwork], levels: Tensor, *, size: int, evenness: float
) -> EmbeddingNetwork:
    """One network of the given ones, all of one configuration.

    levels: [tracks, rows, columns], the tracks whose vectors say which directions matter.
    evenness: 0 keeps the directions as wide as they are, 1 makes them all equally wide.
    """
    config = networks[0].config
    if any(network.config != config for network in networks) or config.backbone.members > 1:
        raise ConfigError("only networks of one and the same configuration can be merged")
    if size > min(len(networks) * config.embedding_size, len(levels) - 1):
        raise ConfigError(
            f"size = {size}: {len(networks)} networks of {config.embedding_size} and "
            f"{len(levels)} tracks have fewer directions"
        )
    backbone = dataclasses.replace(config.backbone, members=len(networks))
    merged = EmbeddingNetwork(dataclasses.replace(config, backbone=backbone, embedding_size=size))
    _copy_members(merged, networks)
    outputs = [_projected(network, levels) for network in networks]
    scales = [1 / float(np.linalg.norm(output, axis=1).mean()) for output in outputs]
    together = np.concatenate([s * output for s, output in zip(scales, outputs, strict=True)], 1)
    directions = _even_directions(together, size=size, evenness=evenness)
    bias = torch.cat(
        [s * n.projection.bias.detach().double() for s, n in zip(scales, networks, strict=True)]
    )
    wide = torch.from_numpy(directions)
    merged.projection.load_state_dict(
        {
            "weight": (wide @ _side_by_side(networks, scales)).float(),
            "bias": (wide @ bias).float(),
        }
    )
    return merged.eval()


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


def _side_by_side(networks: Sequence[EmbeddingNetwork], scales: Sequence[float]) -> Tensor:
    """The projections as one, [members x size, features of all]: a pooling that gives several
    numbers for a feature gives the first for all members, then the second.
    """
    n_parts = networks[0].pooling.multiple
    weights = [
        scale * network.projection.weight.detach().double()
        for scale, network in zip(scales, networks, strict=True)
    ]
    by_part = [
        torch.block_diag(*(weight.chunk(n_parts, dim=1)[part] for weight in weights))  # type: ignore[no-untyped-call]  # torch's own
        for part in range(n_parts)
    ]
    return torch.cat(by_part, dim=1)
