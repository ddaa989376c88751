"""What a run trains, and how that goes to disk and comes back.

    a whole network      from a seed, or with another model's weights; perhaps its backbone frozen
    the head of one      frozen backbone, no augmentation: its features are computed once, and the
                         head trains on them in seconds
    a projection         on the vectors of an encoder of any kind, imported ones too

The loop sees a network and a source of its inputs, whichever it is.
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

from embedder.backbones.network import EmbeddingNetwork, seeded_network
from embedder.checkpoint import save_model
from embedder.config.model import FrontEndConfig
from embedder.config.training import TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.errors import ConfigError
from embedder.features.front_end import FrontEnd, build_front_end
from embedder.features.normalisation import RunningNormalisation
from embedder.geometry import Geometry
from embedder.loaded_model import LoadedModel
from embedder.model_registry import load_model
from embedder.projected import ProjectedNetwork, Projection, save_projection, seeded_projection
from embedder.tag_head import TagHead
from embedder.training.fitting import Affine, check_fit, fit, track_features
from embedder.training.frozen import backbone_features
from embedder.training.sources import BatchSource, Rows, in_batches


@dataclass(frozen=True, slots=True)
class CardParts:
    """What a model is saved with."""

    name: str
    facts: dict[str, Any]
    scores: dict[str, Any]
    tag_head: TagHead | None


@dataclass(frozen=True, slots=True)
class StartingPoint(ABC):
    """`network` takes what `source` gives, normalised by `front_end`."""

    network: nn.Module
    front_end: FrontEnd
    source: BatchSource
    geometry: Geometry
    before: nn.Module | None = field(default=None, kw_only=True)
    """What a fitted projection takes the place of, for comparison; takes what `network` does."""

    @abstractmethod
    def save(self, folder: Path, network: nn.Module, parts: CardParts) -> None:
        """Write a model that holds the weights of `network` (the one trained, or an average)."""

    @abstractmethod
    def load(self, folder: Path) -> nn.Module:
        """The network that `save` wrote, to be fed by the same source."""


@dataclass(frozen=True, slots=True)
class WholeNetwork(StartingPoint):
    """Everything from spectrogram to vector."""

    def save(self, folder: Path, network: nn.Module, parts: CardParts) -> None:
        """See `StartingPoint`."""
        _save_network(folder, _own(network), self.front_end, parts)

    def load(self, folder: Path) -> nn.Module:
        """See `StartingPoint`."""
        return _own(load_model(folder).network)


@dataclass(frozen=True, slots=True)
class HeadOfNetwork(StartingPoint):
    """The projection of a network whose backbone's features are known."""

    whole: EmbeddingNetwork
    whole_front_end: FrontEnd

    def save(self, folder: Path, network: nn.Module, parts: CardParts) -> None:
        """See `StartingPoint`."""
        assert isinstance(network, FeatureHead)  # noqa: S101  # what this made
        self.whole.projection.load_state_dict(network.projection.state_dict())
        _save_network(folder, self.whole, self.whole_front_end, parts)

    def load(self, folder: Path) -> nn.Module:
        """See `StartingPoint`."""
        network = _own(load_model(folder).network)
        return FeatureHead(network.projection, network.geometry).eval()


@dataclass(frozen=True, slots=True)
class ProjectionOnEncoder(StartingPoint):
    """A projection after an encoder that stays as it is."""

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
            tag_head=parts.tag_head,
            replace=True,
        )

    def load(self, folder: Path) -> nn.Module:
        """See `StartingPoint`."""
        network = load_model(folder).network
        assert isinstance(network, ProjectedNetwork)  # noqa: S101  # saved by this
        return network.projection


class FeatureHead(nn.Module):
    """A network's last layer: features [batch, n, 1] to points [batch, embedding_size]."""

    def __init__(self, projection: nn.Linear, geometry: Geometry) -> None:
        super().__init__()
        self.projection = projection
        self.geometry = geometry

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """On their geometry."""
        return self.geometry.project(self.projection(features.flatten(1)))


def base_model(transfer: TransferConfig) -> LoadedModel | None:
    """The model to start from, if any; refuses what cannot be trained further."""
    if not transfer.checkpoint:
        if transfer.freeze:
            raise ConfigError("--freeze keeps a backbone that was trained: give --from CHECKPOINT")
        if transfer.fit:
            raise ConfigError("--fit goes on a model that was trained: give --from CHECKPOINT")
        return None
    model = load_model(transfer.checkpoint)
    if is_imported(model) and not transfer.freeze:
        raise ConfigError(
            f"{model.name}: its own weights cannot be trained ({model.kind}); give --freeze to "
            "train a projection on its vectors"
        )
    return model


def is_imported(model: LoadedModel | None) -> bool:
    """Whether only its vectors can be had, not its layers."""
    return model is not None and not isinstance(model.network, EmbeddingNetwork)


def config_from(config: TrainingConfig, base: LoadedModel | None) -> TrainingConfig:
    """The settings with what the model to start from decides: what it hears, and its backbone."""
    if base is None:
        return config
    model = dataclasses.replace(
        base.config,
        embedding_size=config.model.embedding_size,
        geometry=config.model.geometry,
        curvature=config.model.curvature,
    )
    return dataclasses.replace(config, model=model)


def starting_point(
    config: TrainingConfig,
    source: BatchSource,
    *,
    base: LoadedModel | None,
    rows: Rows,
    labels: NDArray[np.float64],
    device: torch.device,
) -> StartingPoint:
    """What the settings (of `config_from`) ask for.

    rows: the training tracks; labels: what they are labelled, as `KnownTracks.indicators` says it.
    """
    if config.transfer.fit:
        check_fit(config, labels)
    if base is not None and is_imported(base):
        return _projection(config, source, base, rows, labels)
    if base is None:
        front_end = build_front_end(config.model.front_end)
        network = seeded_network(config.model, seed=config.loop.seed)
        return WholeNetwork(network, front_end, source, network.geometry)
    assert isinstance(base.front_end, FrontEnd)  # noqa: S101  # of our own networks
    network = _with_weights_of(base, config)
    if config.transfer.freeze:
        _freeze(network, base.front_end)
    is_head_alone = config.transfer.freeze and config.augmentation.is_off
    if not is_head_alone and not config.transfer.fit:
        return WholeNetwork(network, base.front_end, source, network.geometry)
    features = backbone_features(source, network, base.front_end, device=device)
    theirs = _own(base.network)
    if config.transfer.fit:
        vectors = track_features(features, rows)
        fit(network.projection, vectors, labels, Affine.of(theirs.projection), config.transfer)
    if not is_head_alone:
        return WholeNetwork(network, base.front_end, source, network.geometry, before=theirs)
    return HeadOfNetwork(
        FeatureHead(network.projection, network.geometry),
        _pass_through(),
        features,
        network.geometry,
        network,
        base.front_end,
        before=FeatureHead(theirs.projection, theirs.geometry) if config.transfer.fit else None,
    )


def _projection(
    config: TrainingConfig,
    source: BatchSource,
    base: LoadedModel,
    rows: Rows,
    labels: NDArray[np.float64],
) -> ProjectionOnEncoder:
    if not config.augmentation.is_off:
        raise ConfigError(
            f"augmentation: the vectors of {base.name} are computed once, so nothing can change "
            "what it hears; leave augmentation out"
        )
    projection = seeded_projection(
        config.model,
        n_inputs=base.embedding_size,
        hidden_size=config.transfer.hidden_size,
        seed=config.loop.seed,
    )
    known = [vectors for _, vectors in in_batches(source, rows, batch_size=1024)]
    projection.standardise_by(torch.cat(known).flatten(1))
    if config.transfer.fit:
        (layer,) = projection.layers
        assert isinstance(layer, nn.Linear)  # noqa: S101  # no hidden one, as checked
        mean, deviation = (
            projection.get_buffer(name).double().numpy() for name in ("mean", "deviation")
        )
        vectors = (track_features(source, rows) - mean) / deviation
        fit(layer, vectors, labels, Affine(np.diag(deviation), mean), config.transfer)
    before = nn.Flatten() if config.transfer.fit else None  # the encoder's own vectors
    return ProjectionOnEncoder(
        projection, _pass_through(), source, projection.geometry, base, before=before
    )


def _with_weights_of(base: LoadedModel, config: TrainingConfig) -> EmbeddingNetwork:
    """Another model's weights; its projection only where the size stays."""
    network = seeded_network(config.model, seed=config.loop.seed)
    theirs = _own(base.network).state_dict()
    same_size = network.projection.weight.shape == theirs["projection.weight"].shape
    kept = {n: t for n, t in theirs.items() if same_size or not n.startswith("projection.")}
    network.load_state_dict(kept, strict=same_size)
    return network


def _freeze(network: EmbeddingNetwork, front_end: FrontEnd) -> None:
    network.requires_grad_(requires_grad=False)
    network.projection.requires_grad_(requires_grad=True)
    if isinstance(front_end.normalisation, RunningNormalisation):
        front_end.normalisation.is_frozen = True


def _pass_through() -> FrontEnd:
    """For inputs that are vectors already."""
    return build_front_end(FrontEndConfig(kind="waveform"))


def _own(network: object) -> EmbeddingNetwork:
    assert isinstance(network, EmbeddingNetwork)  # noqa: S101  # checked by `is_imported`
    return network


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
        tag_head=parts.tag_head,
        replace=True,
    )
