"""Losses over the pairs of a batch: contrastive, multi-similarity, NT-Xent, SupCon."""

from collections.abc import Callable

import torch
from pytorch_metric_learning.losses import ContrastiveLoss, MultiSimilarityLoss, SupConLoss

from embedder.config.objectives import ObjectiveConfig
from embedder.geometry import Geometry
from embedder.training.objectives.distances import GeometryDistance
from embedder.training.objectives.mining import informative_pairs
from embedder.training.objectives.objective import Objective, ObjectiveValue, pair_value, zero_loss
from embedder.training.objectives.relations import PairMasks, Relation
from embedder.training.objectives.targets import BatchTargets

MULTI_SIMILARITY_SLACK = 0.1
"""Wang et al. 2019, section 4."""

PairLoss = Callable[[torch.Tensor, torch.Tensor, PairMasks], torch.Tensor]
"""embeddings, their distances, the pairs."""


class PairObjective(Objective):
    """A loss of the distances of positive and negative pairs."""

    def __init__(self, config: ObjectiveConfig, *, relation: Relation, geometry: Geometry) -> None:
        super().__init__()
        self.name = config.kind
        self.config = config
        self.relation = relation
        self.geometry = geometry
        self.loss = _pair_loss(config, geometry)

    def forward(
        self,
        embeddings: torch.Tensor,
        targets: BatchTargets,
        *,
        generator: torch.Generator | None = None,  # noqa: ARG002  # the common call
    ) -> ObjectiveValue:
        """See `Objective`."""
        masks = self.relation(targets)
        distances = self.geometry.pairwise(embeddings, embeddings)
        loss = self.loss(embeddings, distances, masks)
        return pair_value(loss, distances, masks, margin=self.config.margin, learns_from=self.name)


def info_nce(distances: torch.Tensor, masks: PairMasks, *, temperature: float) -> torch.Tensor:
    """NT-Xent: for each positive pair, -log of its share of e^(-d/T) among all negatives.

    Written by hand because the library's builds a table of positive pairs × negative pairs, which
    for 256 tracks in 16 labels is a gigabyte; this is one of batch × batch. Batches without a
    positive pair, or without an anchor that has both kinds, give zero.
    """
    logits = -distances / temperature
    negative_logits = logits.masked_fill(~masks.negative, float("-inf")).logsumexp(dim=1)
    usable = masks.positive & masks.negative.any(dim=1)[:, None]
    if not usable.any():
        return zero_loss(distances)
    anchors, positives = usable.nonzero(as_tuple=True)
    positive_logits = logits[anchors, positives]
    return (torch.logaddexp(positive_logits, negative_logits[anchors]) - positive_logits).mean()


def _pair_loss(config: ObjectiveConfig, geometry: Geometry) -> PairLoss:
    distance = GeometryDistance(geometry)
    if config.kind == "nt-xent":
        return lambda _, distances, masks: info_nce(
            distances, masks, temperature=config.temperature
        )
    if config.kind == "contrastive":
        return _library_loss(
            ContrastiveLoss(
                pos_margin=config.positive_margin, neg_margin=config.margin, distance=distance
            )
        )
    if config.kind == "supervised-contrastive":
        return _library_loss(SupConLoss(temperature=config.temperature, distance=distance))
    multi_similarity = _library_loss(
        MultiSimilarityLoss(
            alpha=config.positive_scale,
            beta=config.negative_scale,
            base=0.5,
            distance=GeometryDistance(geometry, as_similarity=True),
        )
    )
    if config.mining == "all":
        return multi_similarity
    return lambda embeddings, distances, masks: multi_similarity(
        embeddings,
        distances,
        informative_pairs(distances, masks, slack=MULTI_SIMILARITY_SLACK),
    )


def _library_loss(loss: Callable[..., torch.Tensor]) -> PairLoss:
    def apply(embeddings: torch.Tensor, _distances: torch.Tensor, masks: PairMasks) -> torch.Tensor:
        pairs = (*masks.positive.nonzero(as_tuple=True), *masks.negative.nonzero(as_tuple=True))
        return loss(embeddings, indices_tuple=pairs)

    return apply
