"""The network and front end that a run starts from: from chance, or from another model."""

import dataclasses

from embedder.backbones.network import EmbeddingNetwork, seeded_network
from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError, UnknownChoice
from embedder.features.front_end import FrontEnd, build_front_end
from embedder.model_registry import load_model


def starting_point(config: TrainingConfig) -> tuple[FrontEnd, EmbeddingNetwork]:
    """A fresh network, or another model's, its backbone frozen where that is asked for."""
    transfer = config.transfer
    if not transfer.checkpoint:
        if transfer.freeze:
            raise ConfigError("--freeze keeps a backbone that was trained: give --from CHECKPOINT")
        front_end = build_front_end(config.model.front_end)
        return front_end, seeded_network(config.model, seed=config.loop.seed)
    model = load_model(transfer.checkpoint)
    if not isinstance(model.network, EmbeddingNetwork) or not isinstance(model.front_end, FrontEnd):
        raise UnknownChoice("kind of checkpoint for --from", model.kind, ["network"])
    network = seeded_network(
        dataclasses.replace(
            model.config,
            embedding_size=config.model.embedding_size,
            geometry=config.model.geometry,
            curvature=config.model.curvature,
        ),
        seed=config.loop.seed,
    )
    theirs = model.network.state_dict()
    same_size = network.projection.weight.shape == theirs["projection.weight"].shape
    kept = {n: t for n, t in theirs.items() if same_size or not n.startswith("projection.")}
    network.load_state_dict(kept, strict=same_size)
    if transfer.freeze:
        network.requires_grad_(requires_grad=False)
        network.projection.requires_grad_(requires_grad=True)
    return model.front_end, network
