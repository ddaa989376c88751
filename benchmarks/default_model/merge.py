"""Put the seeds of a recipe side by side as one model, and even its space out.

    python benchmarks/default_model/merge.py runs/default/seed-? DATA/fma-small -o runs/merged

The networks keep their weights. Their vectors, each scaled to the same mean length, stand one after
another; the main directions of that space over the training tracks, each divided by its deviation
to the power of `--evenness`, become the new vector. All of it is linear, so it goes into one
projection. The folder that comes out can be evaluated and bundled like a run's.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedder.backbones.members import Members
from embedder.backbones.network import EmbeddingNetwork
from embedder.checkpoint import save_model
from embedder.datasets.opening import open_dataset
from embedder.loaded_model import LoadedModel
from embedder.model_registry import load_model

Matrix = NDArray[np.float64]


def main() -> None:
    """Read the seeds, fit the projection, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, then the data")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--evenness", type=float, default=0.75)
    options = parser.parse_args()
    *runs, data = options.runs
    models = [load_model(run / "best") for run in runs]
    dataset = open_dataset(data)
    training = dataset.subset(dataset.positions("train")).arrays
    merged = merge(models, training, size=options.size, evenness=options.evenness)
    card = save_model(
        options.output / "best",
        merged,
        front_end=models[0].front_end,  # type: ignore[arg-type]  # a module, in models of ours
        name="merged",
        facts=models[0].card.facts | {"merged": [model.fingerprint[:12] for model in models]},
        half_precision=True,
        replace=True,
    )
    print(f"{options.output}: {card.fingerprint[:12]}")


def merge(
    models: list[LoadedModel], pictures: NDArray[np.uint8], *, size: int, evenness: float
) -> EmbeddingNetwork:
    """One network whose members are the models'."""
    networks = [own_network(model) for model in models]
    config = networks[0].config
    backbone = dataclasses.replace(config.backbone, members=len(networks))
    merged = EmbeddingNetwork(dataclasses.replace(config, backbone=backbone, embedding_size=size))
    assert isinstance(merged.backbone, Members)
    for member, network in zip(merged.backbone.members, networks, strict=True):
        member[0].load_state_dict(network.row_norm.state_dict())  # type: ignore[index]  # a Sequential
        member[1].load_state_dict(network.backbone.state_dict())  # type: ignore[index]  # the same
    outputs = [projected(network, pictures) for network in networks]
    scales = [1 / np.linalg.norm(output, axis=1).mean() for output in outputs]
    together = np.concatenate(
        [scale * output for scale, output in zip(scales, outputs, strict=True)], axis=1
    )
    middle, directions = even_directions(together, size=size, evenness=evenness)
    weight = torch.from_numpy(directions) @ side_by_side(networks, scales)
    shift = torch.cat(
        [scale * n.projection.bias.double() for scale, n in zip(scales, networks, strict=True)]
    )
    bias = torch.from_numpy(directions) @ (shift - torch.from_numpy(middle))
    merged.projection.load_state_dict({"weight": weight.float(), "bias": bias.float()})
    return merged.eval()


def own_network(model: LoadedModel) -> EmbeddingNetwork:
    """The network of a model that was trained here."""
    assert isinstance(model.network, EmbeddingNetwork)
    return model.network


@torch.inference_mode()
def projected(network: EmbeddingNetwork, pictures: NDArray[np.uint8]) -> Matrix:
    """What the projection gives before it is brought to unit length: [tracks, size]."""
    parts = [
        network.projection(network.features(torch.from_numpy(batch).float() / 255))
        for batch in np.array_split(pictures, max(len(pictures) // 64, 1))
    ]
    return torch.cat(parts).double().numpy()


def even_directions(vectors: Matrix, *, size: int, evenness: float) -> tuple[Matrix, Matrix]:
    """The mean, and the main directions [size, d], scaled by their deviations."""
    middle = vectors.mean(axis=0)
    _, spread, directions = np.linalg.svd(vectors - middle, full_matrices=False)
    deviations = spread[:size] / np.sqrt(len(vectors))
    return middle, directions[:size] / deviations[:, None] ** evenness


def side_by_side(networks: list[EmbeddingNetwork], scales: list[float]) -> Tensor:
    """The projections as one [members x size, features of all]: a pooling that gives several
    numbers a feature gives them member by member.
    """
    n_parts = networks[0].pooling.multiple
    blocks = [
        scale * network.projection.weight.double()
        for scale, network in zip(scales, networks, strict=True)
    ]
    by_part = [
        torch.block_diag(*(block.chunk(n_parts, dim=1)[part] for block in blocks))  # type: ignore[no-untyped-call]  # torch's own
        for part in range(n_parts)
    ]
    return torch.cat(by_part, dim=1)


if __name__ == "__main__":
    main()
