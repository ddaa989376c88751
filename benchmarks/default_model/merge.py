r"""Put the seeds of a recipe side by side as one model, with one projection fitted to all.

    python -m benchmarks.default_model.merge runs/default/seed-? runs/default/moments/seed-? \
        DATA/fma-small -o runs/merged --weight-bits 8

The projection is fitted on the training tracks alone. Its targets are the teacher's mean vector of
each artist, the genre, and the networks' own vectors and main directions. It ignores the variants
in forms.py. Moments of cepstral coefficients, which need no training, are added. The output folder
can be evaluated and bundled like a run folder. A single seed, or networks of one kind, also work.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

from benchmarks.default_model.forms import INDIFFERENT_TO
from benchmarks.default_model.merging import N_AT_ONCE, merged_network
from embedder.config.dataset import DatasetConfig
from embedder.config.model import BackboneConfig, ModelConfig
from embedder.datasets.opening import open_dataset
from embedder.features.front_end import FrontEnd
from embedder.models.kinds.network import save_model
from embedder.models.registry import load_model
from embedder.networks.fusion import fused_for_inference
from embedder.networks.moments import Moments
from embedder.networks.network import EmbeddingNetwork, seeded_network
from embedder.training.feeding.known_tracks import KnownTracks, known_tracks
from embedder.training.start.closed_form import Matrix

N_MAIN_DIRECTIONS = 128


def main() -> None:
    """Read the seeds, fit the projection, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", type=Path, nargs="+", help="folders of runs, then the data")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument(
        "--coefficients", type=int, default=32, help="of the untrained moments; 0 adds none"
    )
    parser.add_argument("--moments-weight", type=float, default=0.5, help="convolutions have 1")
    parser.add_argument("--coefficients-weight", type=float, default=1.2)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--evenness", type=float, default=0.6)
    parser.add_argument("--shrinkage", type=float, default=1.5)
    parser.add_argument("--constant", type=float, default=0.7)
    parser.add_argument("--genre-weight", type=float, default=0.5)
    parser.add_argument("--place-weight", type=float, default=0.9)
    parser.add_argument("--weight-bits", type=int, choices=(8, 16, 32), default=16)
    options = parser.parse_args()
    *runs, data = options.paths
    models = [load_model(run / "best") for run in runs]
    networks = [model.network for model in models if isinstance(model.network, EmbeddingNetwork)]
    dataset = open_dataset(data)
    training = dataset.subset(dataset.positions("train"))
    levels = torch.from_numpy(training.arrays).float() / 255
    if options.coefficients:
        networks.append(plain_moments(models[0].config, levels, options.coefficients))
    weights = {network.config.backbone: 1.0 for network in networks}
    for backbone in weights:
        if backbone.kind == "moments":
            plain, trained = options.coefficients_weight, options.moments_weight
            weights[backbone] = plain if is_plain(backbone) else trained
    tracks = known_tracks(training, DatasetConfig())
    targets = [
        teacher_of_artists(tracks),
        options.genre_weight * np.eye(len(tracks.label_names))[tracks.labels],
        options.place_weight * places(networks, levels, weights),
    ]
    front_end = models[0].front_end
    assert isinstance(front_end, FrontEnd)
    card = save_model(
        options.output / "best",
        merged_network(
            networks,
            levels,
            np.hstack(targets),
            size=options.size,
            evenness=options.evenness,
            shrinkage=options.shrinkage,
            constant=options.constant,
            indifferent_to=INDIFFERENT_TO,
            kind_weights=list(weights.values()),
        ),
        front_end=front_end,
        name="merged",
        facts=models[0].card.facts | {"merged": [model.fingerprint[:12] for model in models]},
        weight_bits=options.weight_bits,
        replace=True,
    )
    print(f"{options.output}: {card.fingerprint[:12]}")


def teacher_of_artists(tracks: KnownTracks) -> Matrix:
    """For each track, the mean of the teacher's unit vectors over all tracks of its artist."""
    assert tracks.teacher is not None, "the projection is fitted to a teacher's vectors"
    _, artist, n_tracks = np.unique(tracks.artists, return_inverse=True, return_counts=True)
    sums = np.zeros((len(n_tracks), tracks.teacher.shape[1]))
    np.add.at(sums, artist, tracks.teacher)
    return (sums / n_tracks[:, None])[artist]


@torch.no_grad()
def plain_moments(config: ModelConfig, levels: Tensor, n_coefficients: int) -> EmbeddingNetwork:
    """An untrained network with the input of `config` that pools moments of cosines over the rows.

    Each moment is scaled to the same spread over the given tracks.
    """
    backbone = BackboneConfig(kind="moments", filters=(n_coefficients,))
    network = seeded_network(dataclasses.replace(config, backbone=backbone), seed=0)
    assert isinstance(network.backbone, Moments)
    network.backbone.learn_scale(network.row_norm.eval()(levels))
    return network.eval()


@torch.inference_mode()
def places(
    networks: list[EmbeddingNetwork], levels: Tensor, weights: dict[BackboneConfig, float]
) -> Matrix:
    """Two descriptions of each track, side by side, each centred and of unit length.

    The first is the networks' vectors. The second is the main directions of their pooled features,
    with a weight for each kind of network. An untrained network has no vectors to give: the main
    directions of its features take their place.
    """
    vectors: list[Matrix] = []
    pooled: dict[BackboneConfig, list[Matrix]] = {}
    for network in map(fused_for_inference, networks):
        batches = [levels[at : at + N_AT_ONCE] for at in range(0, len(levels), N_AT_ONCE)]
        features = torch.cat([network.features(batch) for batch in batches])
        backbone = network.config.backbone
        standard = StandardScaler().fit_transform(features.double().numpy())
        pooled.setdefault(backbone, []).append(standard)
        if is_plain(backbone):
            vectors.append(around_mean(main_directions(standard)))
        else:
            vectors.append(network.geometry.project(network.projection(features)).double().numpy())
    kinds = {backbone: np.hstack(parts) for backbone, parts in pooled.items()}
    even = np.hstack(
        [features * (weights[b] / features.shape[1] ** 0.5) for b, features in kinds.items()]
    )
    return np.hstack([around_mean(np.hstack(vectors)), around_mean(main_directions(even))])


def is_plain(backbone: BackboneConfig) -> bool:
    """Whether `plain_moments` made the network of this backbone."""
    return backbone.kind == "moments" and len(backbone.filters) == 1


def main_directions(vectors: Matrix) -> Matrix:
    """Coordinates along the main directions, each scaled to the square root of its spread."""
    directions, spread, _ = randomized_svd(vectors, N_MAIN_DIRECTIONS, random_state=0)
    return np.asarray(directions * spread**0.5)


def around_mean(vectors: NDArray[np.floating]) -> Matrix:
    """The vectors minus their mean, at unit length."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    return np.asarray(centred / np.linalg.norm(centred, axis=1, keepdims=True))


if __name__ == "__main__":
    main()
