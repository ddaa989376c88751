"""Settings and weights that a run takes from the model that it starts from."""

import dataclasses

import torch
from torch import nn

from embedder.config.model import ExcerptConfig, ModelConfig
from embedder.config.training import TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.errors import ConfigError
from embedder.models.loaded import LoadedModel
from embedder.models.parts import load_base
from embedder.networks.network import EmbeddingNetwork, seeded_network

SHORTEST_TAKE_SECONDS = 0.25
"""A head on a frozen backbone takes files as short as this, whatever its backbone learnt from."""


def base_model(transfer: TransferConfig) -> LoadedModel | None:
    """The model to start from, if any. Refuses models that cannot be trained further."""
    if not transfer.checkpoint:
        if transfer.freeze:
            raise ConfigError("--freeze keeps a trained backbone: give --from CHECKPOINT")
        if transfer.fit:
            raise ConfigError("--fit needs a trained model: give --from CHECKPOINT")
        if transfer.translate:
            raise ConfigError(
                "transfer.translate needs a model to translate for: give --from MODEL"
            )
        return None
    model = load_base(transfer.checkpoint)
    if is_imported(model) and not transfer.freeze:
        raise ConfigError(
            f"{model.name}: its own weights cannot be trained ({model.kind}); give --freeze to "
            "train a projection on its vectors"
        )
    if is_imported(model) and transfer.translate:
        raise ConfigError(f"transfer.translate: the input of {model.name} is not known")
    return model


def is_imported(model: LoadedModel | None) -> bool:
    """Whether only the model's vectors are available, not its layers."""
    return model is not None and not isinstance(model.network, EmbeddingNetwork)


def config_from(config: TrainingConfig, base: LoadedModel | None) -> TrainingConfig:
    """The settings, with the input and the backbone of the model to start from."""
    if base is None:
        return config
    inherited, own = base.config, config.model
    reads_rows = inherited.backbone.row_statistics or own.backbone.row_statistics
    model = dataclasses.replace(
        inherited,
        backbone=dataclasses.replace(inherited.backbone, row_statistics=reads_rows),
        embedding_size=own.embedding_size,
        geometry=own.geometry,
        curvature=own.curvature,
    )
    if config.transfer.freeze and not is_imported(base):
        model = dataclasses.replace(model, excerpts=_for_short_takes(model.excerpts))
    if config.transfer.translate:
        model = _translated(model, config.model, base)
    return dataclasses.replace(config, model=model)


def _for_short_takes(excerpts: ExcerptConfig) -> ExcerptConfig:
    """Excerpts that short files fill by repetition, so that a head can learn a click or a clap."""
    shortest = min(excerpts.min_seconds, SHORTEST_TAKE_SECONDS)
    return dataclasses.replace(excerpts, min_seconds=shortest)


def inherited_network(base: LoadedModel, model: ModelConfig, *, seed: int) -> EmbeddingNetwork:
    """Another model's weights in a network of these settings.

    Its projection is kept if the vectors keep their size; features that are new to it have no
    weight at first.
    """
    network, inherited = seeded_network(model, seed=seed), own_network(base.network)
    state = network.state_dict() | inherited.state_dict()  # the rest: a translation of its own
    if network.projection.out_features == inherited.projection.out_features:
        projection = widened(inherited.projection, network.projection.in_features)
    else:
        projection = network.projection
    state |= {f"projection.{name}": tensor for name, tensor in projection.state_dict().items()}
    network.load_state_dict(state)
    return network


def widened(layer: nn.Linear, n_inputs: int) -> nn.Linear:
    """The layer with more inputs; the new ones have no weight."""
    wide = nn.Linear(n_inputs, layer.out_features)
    with torch.no_grad():
        wide.weight.zero_()
        wide.weight[:, : layer.in_features] = layer.weight
        wide.bias.copy_(layer.bias)
    return wide


def own_network(network: object) -> EmbeddingNetwork:
    """The network as one of our own; `is_imported` has been checked before."""
    assert isinstance(network, EmbeddingNetwork)  # noqa: S101  # checked before
    return network


def _translated(model: ModelConfig, run_model: ModelConfig, base: LoadedModel) -> ModelConfig:
    if run_model.front_end == model.front_end:
        raise ConfigError(
            f"transfer.translate: {base.name} uses model.front_end already; set it to the front "
            "end that made the data's spectrograms"
        )
    if base.config.backbone.row_statistics:
        raise ConfigError(
            f"transfer.translate: {base.name} reads the row statistics of its own front end, so "
            "other spectrograms cannot be translated for it"
        )
    return dataclasses.replace(
        model, front_end=run_model.front_end, translated_to=model.translated_to or model.front_end
    )
