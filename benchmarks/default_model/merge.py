"""Put the seeds of a recipe side by side as one model, and even its space out.

    python benchmarks/default_model/merge.py runs/default/seed-? DATA/fma-small -o runs/merged

Which directions matter is read off the training tracks alone. The folder that comes out can be
evaluated and bundled like a run's.
"""

import argparse
from pathlib import Path

import torch

from embedder.backbones.network import EmbeddingNetwork
from embedder.checkpoint import save_model
from embedder.datasets.opening import open_dataset
from embedder.features.front_end import FrontEnd
from embedder.merging import merged_network
from embedder.model_registry import load_model


def main() -> None:
    """Read the seeds, fit the projection, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", type=Path, nargs="+", help="folders of runs, then the data")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--evenness", type=float, default=0.35)
    options = parser.parse_args()
    *runs, data = options.paths
    models = [load_model(run / "best") for run in runs]
    networks = [model.network for model in models if isinstance(model.network, EmbeddingNetwork)]
    dataset = open_dataset(data)
    pictures = torch.from_numpy(dataset.subset(dataset.positions("train")).arrays)
    front_end = models[0].front_end
    assert isinstance(front_end, FrontEnd)
    card = save_model(
        options.output / "best",
        merged_network(
            networks, pictures.float() / 255, size=options.size, evenness=options.evenness
        ),
        front_end=front_end,
        name="merged",
        facts=models[0].card.facts | {"merged": [model.fingerprint[:12] for model in models]},
        half_precision=True,
        replace=True,
    )
    print(f"{options.output}: {card.fingerprint[:12]}")


if __name__ == "__main__":
    main()
