"""A learnt vector for each label: proxy-anchor, and normalised softmax (plain classification)."""

import torch
from pytorch_metric_learning.losses import NormalizedSoftmaxLoss, ProxyAnchorLoss
from torch import nn

from embedder.config.objectives import ObjectiveConfig, RelationKind
from embedder.errors import ConfigError, DatasetError
from embedder.geometry import Geometry
from embedder.training.objectives.distances import GeometryDistance, ProxyDistance
from embedder.training.objectives.objective import (
    Objective,
    ObjectiveValue,
    relation_value,
    zero_loss,
)
from embedder.training.objectives.relations import ID_COLUMNS, SameId, known_ids
from embedder.training.objectives.targets import BatchTargets, TargetFacts


class ProxyObjective(Objective):
    """Tracks near the proxy of their label, artist or album. Rows without an id are left out."""

    def __init__(
        self,
        config: ObjectiveConfig,
        *,
        facts: TargetFacts,
        embedding_size: int,
        geometry: Geometry,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.name = config.kind
        self.config = config
        self.geometry = geometry
        self.id_kind = _id_relation(config)
        self.n_proxies = _n_ids(facts, self.id_kind)
        anchor = config.kind == "proxy-anchor"
        build = _proxy_anchor if anchor else _softmax
        self.loss = build(config, self.n_proxies, embedding_size, geometry)
        # Unit variance over all coordinates: about as long as the embeddings.
        proxies = self.loss.proxies if anchor else self.loss.W
        nn.init.normal_(proxies, std=embedding_size**-0.5, generator=generator)

    def forward(
        self,
        embeddings: torch.Tensor,
        targets: BatchTargets,
        *,
        generator: torch.Generator | None = None,  # noqa: ARG002  # the common call
    ) -> ObjectiveValue:
        """See `Objective`."""
        ids = known_ids(targets, self.id_kind)
        has_id = ids >= 0
        any_id = bool(has_id.any())
        loss = self.loss(embeddings[has_id], ids[has_id]) if any_id else zero_loss(embeddings)
        masks = SameId(self.id_kind)(targets)
        return relation_value(
            loss, embeddings, masks, geometry=self.geometry, margin=self.config.margin
        )

    def logits(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Similarity to every proxy (over the temperature, for softmax), [batch, proxies]."""
        logits: torch.Tensor = self.loss.get_logits(embeddings)
        return logits

    def points(self) -> tuple[torch.Tensor, float]:
        """The proxies on their geometry, [proxies, size], and the scale of the logits.

        A logit is the scale times one minus the distance to a proxy.
        """
        if self.name == "proxy-anchor":
            return self.geometry.project(self.loss.proxies), self.config.proxy_scale
        return self.geometry.project(self.loss.W.T), 1.0 / self.config.temperature


def _proxy_anchor(
    config: ObjectiveConfig, n_proxies: int, size: int, geometry: Geometry
) -> ProxyAnchorLoss:
    return ProxyAnchorLoss(
        n_proxies,
        size,
        margin=config.margin,
        alpha=config.proxy_scale,
        distance=ProxyDistance(geometry, as_similarity=True),
        weight_init_func=nn.init.zeros_,  # drawn afterwards, from our generator
    )


def _softmax(
    config: ObjectiveConfig, n_proxies: int, size: int, geometry: Geometry
) -> NormalizedSoftmaxLoss:
    loss = NormalizedSoftmaxLoss(
        n_proxies,
        size,
        temperature=config.temperature,
        distance=GeometryDistance(geometry, as_similarity=True),
        weight_init_func=nn.init.zeros_,
    )
    loss.cross_entropy = nn.CrossEntropyLoss(
        reduction="none", label_smoothing=config.label_smoothing
    )
    return loss


def _id_relation(config: ObjectiveConfig) -> RelationKind:
    if len(config.relations) != 1 or config.relations[0] not in ID_COLUMNS:
        raise ConfigError(
            f"{config.kind} with relations {', '.join(config.relations)}: it needs one of "
            f"{', '.join(ID_COLUMNS)}. Mix several by giving several objectives."
        )
    return config.relations[0]


def _n_ids(facts: TargetFacts, kind: str) -> int:
    counts = {
        "label": facts.n_labels,
        "artist": facts.n_artists,
        "album": facts.n_albums,
        "track": facts.n_tracks,
    }
    if not counts[kind]:
        raise DatasetError(f"this data set has no {kind} column to make proxies of")
    return counts[kind]
