"""The part of a model that a run trains, and how it is saved and loaded.

    a whole network      random weights or another model's; the backbone may be frozen
    the head of one      frozen backbone, no augmentation: the features are computed once, and the
                         head trains on them in seconds
    a projection         on the vectors of an encoder of any kind, imported ones too

In each case the loop gets a network and a source of its inputs.
"""

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from embedder.config.model import FrontEndConfig, ModelConfig
from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError
from embedder.features.building import build_front_end
from embedder.features.front_end import FrontEnd
from embedder.features.normalisation import RunningNormalisation
from embedder.geometry import Geometry
from embedder.models.heads import Heads
from embedder.models.kinds.network import save_model
from embedder.models.kinds.projection import (
    ProjectedNetwork,
    Projection,
    save_projection,
    seeded_projection,
)
from embedder.models.loaded import LoadedModel
from embedder.models.model_files import model_files
from embedder.models.registry import load_model
from embedder.networks.network import EmbeddingNetwork, seeded_network
from embedder.training.feeding.frozen_vectors import backbone_features
from embedder.training.feeding.sources import BatchSource, Rows, in_batches
from embedder.training.start.closed_form import Affine
from embedder.training.start.fitting import check_fit, fit, track_features
from embedder.training.start.inheriting import inherited_network, is_imported, own_network


@dataclass(frozen=True, slots=True)
class CardParts:
    """The contents of a saved model's card, and its heads."""

    name: str
    facts: dict[str, Any]
    scores: dict[str, Any]
    heads: Heads


@dataclass(frozen=True, slots=True)
class StartingPoint(ABC):
    """`network` reads the crops of `source`, normalised by `front_end`."""

    network: nn.Module
    front_end: FrontEnd
    source: BatchSource
    geometry: Geometry
    before: nn.Module | None = field(default=None, kw_only=True)
    """The network that a fitted projection replaces, for comparison; same input as `network`."""

    @abstractmethod
    def save(self, folder: Path, network: nn.Module, parts: CardParts) -> None:
        """Write a model that holds the weights of `network` (the one trained, or an average)."""

    @abstractmethod
    def load(self, folder: Path) -> nn.Module:
        """The network that `save` wrote, for the same source."""


@dataclass(frozen=True, slots=True)
class WholeNetwork(StartingPoint):
    """Everything from spectrogram to vector."""

    def save(self, folder: Path, network: nn.Module, parts: CardParts) -> None:
        """See `StartingPoint`."""
        _save_network(folder, own_network(network), self.front_end, parts)

    def load(self, folder: Path) -> nn.Module:
        """See `StartingPoint`."""
        return own_network(load_model(folder).network)


@dataclass(frozen=True, slots=True)
class HeadOfNetwork(StartingPoint):
    """The projection of a network whose backbone's features are computed."""

    whole: EmbeddingNetwork
    whole_front_end: FrontEnd

    def save(self, folder: Path, network: nn.Module, parts: CardParts) -> None:
        """See `StartingPoint`."""
        assert isinstance(network, FeatureHead)  # noqa: S101  # what this made
        self.whole.projection.load_state_dict(network.projection.state_dict())
        _save_network(folder, self.whole, self.whole_front_end, parts)

    def load(self, folder: Path) -> nn.Module:
        """See `StartingPoint`."""
        network = own_network(load_model(folder).network)
        return FeatureHead(network.projection, network.geometry).eval()


@dataclass(frozen=True, slots=True)
class ProjectionOnEncoder(StartingPoint):
    """A projection after a frozen encoder."""

    base: LoadedModel

    def save(self, folder: Path, network: nn.Module, parts: CardParts) -> None:
        """See `StartingPoint`."""
        assert isinstance(network, Projection)  # noqa: S101  # what this made
        save_projection(
            folder,
            network,
            base=self.base,
            name=parts.name,
            facts=parts.facts,
            scores=parts.scores,
            tag_head=parts.heads.tags,
            label_head=parts.heads.labels,
            replace=True,
        )

    def load(self, folder: Path) -> nn.Module:
        """See `StartingPoint`."""
        network = load_model(folder).network
        assert isinstance(network, ProjectedNetwork)  # noqa: S101  # saved by this
        return network.projection


class FeatureHead(nn.Module):
    """A network's last layer: features [batch, n, 1] to vectors [batch, embedding_size]."""

    def __init__(self, projection: nn.Linear, geometry: Geometry) -> None:
        super().__init__()
        self.projection = projection
        self.geometry = geometry

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """On their geometry."""
        return self.geometry.project(self.projection(features.flatten(1)))


def starting_point(
    config: TrainingConfig,
    source: BatchSource,
    *,
    base: LoadedModel | None,
    rows: Rows,
    labels: NDArray[np.float64],
    device: torch.device,
) -> StartingPoint:
    """The starting point that the settings (of `config_from`) describe.

    rows: the training tracks; labels: theirs, as `KnownTracks.indicators` gives them.
    """
    if config.transfer.fit:
        check_fit(config, labels)
    if base is not None and is_imported(base):
        return projection_on(config, source, base, rows, labels)
    if base is None:
        front_end = build_front_end(config.model.front_end)
        network = seeded_network(config.model, seed=config.loop.seed)
        return WholeNetwork(network, front_end, source, network.geometry)
    assert isinstance(base.front_end, FrontEnd)  # noqa: S101  # our own networks have one
    network = inherited_network(base, config.model, seed=config.loop.seed)
    front_end = base.front_end
    if config.transfer.translate:
        front_end = build_front_end(config.model.front_end)
    if config.transfer.freeze:
        _freeze(network, front_end)
    is_head_alone = config.transfer.freeze and config.augmentation.is_off
    if not is_head_alone and not config.transfer.fit:
        return WholeNetwork(network, front_end, source, network.geometry)
    features = backbone_features(source, network, front_end, device=device)
    as_before = inherited_network(base, _as_before(config.model, base), seed=config.loop.seed)
    if config.transfer.fit:
        fit(
            network.projection,
            track_features(features, rows),
            labels,
            Affine.of(as_before.projection),
            config.transfer,
            sizes=network.feature_sizes,
        )
    if not is_head_alone:
        return WholeNetwork(network, front_end, source, network.geometry, before=as_before)
    before = FeatureHead(as_before.projection, as_before.geometry)
    return HeadOfNetwork(
        FeatureHead(network.projection, network.geometry),
        _pass_through(),
        features,
        network.geometry,
        network,
        front_end,
        before=before if config.transfer.fit else None,
    )


def _as_before(model: ModelConfig, base: LoadedModel) -> ModelConfig:
    """The settings, with vectors like those of the model to start from."""
    return dataclasses.replace(
        model,
        embedding_size=base.config.embedding_size,
        geometry=base.config.geometry,
        curvature=base.config.curvature,
    )


def projection_on(
    config: TrainingConfig,
    source: BatchSource,
    base: LoadedModel,
    rows: Rows,
    labels: NDArray[np.float64],
) -> ProjectionOnEncoder:
    """A projection on the vectors of an encoder of any kind; fitted if the settings say so."""
    if not config.augmentation.is_off:
        raise ConfigError(
            f"augmentation: the vectors of {base.name} are computed once, so nothing can change "
            "its input; leave augmentation out"
        )
    model_files(base.folder)  # refuses links now, and not when the first model is saved
    projection = seeded_projection(
        config.model,
        n_inputs=base.embedding_size,
        hidden_size=config.transfer.hidden_size,
        seed=config.loop.seed,
    )
    training = [vectors for _, vectors in in_batches(source, rows, batch_size=1024)]
    projection.standardise_by(torch.cat(training).flatten(1))
    if config.transfer.fit:
        (layer,) = projection.layers
        assert isinstance(layer, nn.Linear)  # noqa: S101  # no hidden one, as checked
        mean, deviation = (
            projection.get_buffer(name).double().numpy() for name in ("mean", "deviation")
        )
        vectors = (track_features(source, rows) - mean) / deviation
        base_vectors = Affine(np.diag(deviation), mean)
        sizes = (base.embedding_size,)
        fit(layer, vectors, labels, base_vectors, config.transfer, sizes=sizes)
    before = nn.Flatten() if config.transfer.fit else None  # the encoder's own vectors
    return ProjectionOnEncoder(
        projection, _pass_through(), source, projection.geometry, base, before=before
    )


def _freeze(network: EmbeddingNetwork, front_end: FrontEnd) -> None:
    network.requires_grad_(requires_grad=False)
    network.projection.requires_grad_(requires_grad=True)
    if isinstance(front_end.normalisation, RunningNormalisation):
        front_end.normalisation.is_frozen = True


def _pass_through() -> FrontEnd:
    """A front end for inputs that are vectors already."""
    return build_front_end(FrontEndConfig(kind="waveform"))


def _save_network(
    folder: Path, network: EmbeddingNetwork, front_end: FrontEnd, parts: CardParts
) -> None:
    save_model(
        folder,
        network,
        front_end=front_end,
        name=parts.name,
        facts=parts.facts,
        scores=parts.scores,
        tag_head=parts.heads.tags,
        label_head=parts.heads.labels,
        replace=True,
    )
