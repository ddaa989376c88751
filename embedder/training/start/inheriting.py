"""What a run takes over from the model that it starts from: settings and weights."""

import dataclasses

import torch
from torch import nn

from embedder.config.model import ModelConfig
from embedder.config.training import TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.errors import ConfigError
from embedder.models.loaded import LoadedModel
from embedder.models.registry import load_model
from embedder.networks.network import EmbeddingNetwork, seeded_network


def base_model(transfer: TransferConfig) -> LoadedModel | None:
    """The model to start from, if any; refuses what cannot be trained further."""
    if not transfer.checkpoint:
        if transfer.freeze:
            raise ConfigError("--freeze keeps a backbone that was trained: give --from CHECKPOINT")
        if transfer.fit:
            raise ConfigError("--fit goes on a model that was trained: give --from CHECKPOINT")
        if transfer.translate:
            raise ConfigError("transfer.translate goes to what a model hears: give --from MODEL")
        return None
    model = load_model(transfer.checkpoint)
    if is_imported(model) and not transfer.freeze:
        raise ConfigError(
            f"{model.name}: its own weights cannot be trained ({model.kind}); give --freeze to "
            "train a projection on its vectors"
        )
    if is_imported(model) and transfer.translate:
        raise ConfigError(f"transfer.translate: what {model.name} hears is not known")
    return model


def is_imported(model: LoadedModel | None) -> bool:
    """Whether only its vectors can be had, not its layers."""
    return model is not None and not isinstance(model.network, EmbeddingNetwork)


def config_from(config: TrainingConfig, base: LoadedModel | None) -> TrainingConfig:
    """The settings with what the model to start from decides: what it hears, and its backbone."""
    if base is None:
        return config
    theirs, ours = base.config, config.model
    reads_rows = theirs.backbone.row_statistics or ours.backbone.row_statistics
    model = dataclasses.replace(
        theirs,
        backbone=dataclasses.replace(theirs.backbone, row_statistics=reads_rows),
        embedding_size=ours.embedding_size,
        geometry=ours.geometry,
        curvature=ours.curvature,
    )
    if config.transfer.translate:
        model = _translated(model, config.model, base)
    return dataclasses.replace(config, model=model)


def inherited_network(base: LoadedModel, model: ModelConfig, *, seed: int) -> EmbeddingNetwork:
    """Another model's weights in a network of these settings.

    Its projection goes with them where the vectors keep their size; features that are new to it do
    not count at first.
    """
    network, theirs = seeded_network(model, seed=seed), own_network(base.network)
    state = network.state_dict() | theirs.state_dict()  # a translation is nobody's but its own
    if network.projection.out_features == theirs.projection.out_features:
        projection = widened(theirs.projection, network.projection.in_features)
    else:
        projection = network.projection
    state |= {f"projection.{name}": tensor for name, tensor in projection.state_dict().items()}
    network.load_state_dict(state)
    return network


def widened(layer: nn.Linear, n_inputs: int) -> nn.Linear:
    """A layer that leaves out of account the inputs that are further back than it knows."""
    wide = nn.Linear(n_inputs, layer.out_features)
    with torch.no_grad():
        wide.weight.zero_()
        wide.weight[:, : layer.in_features] = layer.weight
        wide.bias.copy_(layer.bias)
    return wide


def own_network(network: object) -> EmbeddingNetwork:
    """One of ours, as `is_imported` has told."""
    assert isinstance(network, EmbeddingNetwork)  # noqa: S101  # checked before
    return network


def _translated(model: ModelConfig, wanted: ModelConfig, base: LoadedModel) -> ModelConfig:
    if wanted.front_end == model.front_end:
        raise ConfigError(
            f"transfer.translate: {base.name} hears model.front_end already; say there which front "
            "end made the data's spectrograms"
        )
    if base.config.backbone.row_statistics:
        raise ConfigError(
            f"transfer.translate: {base.name} reads the rows of its own front end, and other ones "
            "would not mean the same to it"
        )
    return dataclasses.replace(
        model, front_end=wanted.front_end, translated_to=model.translated_to or model.front_end
    )
