"""The triplet loss: positives should be nearer than negatives by a margin, fixed or soft."""

import torch
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.reducers import MeanReducer

from embedder.config.objectives import ObjectiveConfig
from embedder.geometry import Geometry
from embedder.training.objectives.distances import GeometryDistance
from embedder.training.objectives.mining import mine_triplets
from embedder.training.objectives.objective import Objective, ObjectiveValue, pair_value, zero_loss
from embedder.training.objectives.relations import Relation
from embedder.training.objectives.targets import BatchTargets


class TripletObjective(Objective):
    """max(0, d(a, p) - d(a, n) + margin), or its softplus, over the mined triplets.

    A fixed margin averages over the triplets with a loss above zero, so that the few hard triplets
    of a nearly learnt batch still count. A soft margin averages over all.
    """

    name = "triplet"

    def __init__(self, config: ObjectiveConfig, *, relation: Relation, geometry: Geometry) -> None:
        super().__init__()
        self.config = config
        self.relation = relation
        self.geometry = geometry
        self.loss = _loss(config, geometry)

    def change(self, config: ObjectiveConfig) -> None:
        """Change the mining or the margin; the loss has no weights that would be lost."""
        self.config = config
        self.loss = _loss(config, self.geometry)

    def forward(
        self,
        embeddings: torch.Tensor,
        targets: BatchTargets,
        *,
        generator: torch.Generator | None = None,
    ) -> ObjectiveValue:
        """See `Objective`."""
        masks = self.relation(targets)
        with torch.no_grad():
            distances = self.geometry.pairwise(embeddings, embeddings)
        triplets = mine_triplets(
            embeddings,
            distances,
            masks,
            mining=self.config.mining,
            margin=self.config.margin,
            generator=generator,
        )
        loss = self.loss(embeddings, indices_tuple=triplets) if len(triplets[0]) else None
        loss = zero_loss(embeddings) if loss is None else loss
        return pair_value(loss, distances, masks, margin=self.config.margin, learns_from=self.name)


def _loss(config: ObjectiveConfig, geometry: Geometry) -> TripletMarginLoss:
    # The soft margin has no margin of its own: log(1 + exp(d(a, p) - d(a, n))).
    return TripletMarginLoss(
        margin=0.0 if config.soft_margin else config.margin,
        smooth_loss=config.soft_margin,
        distance=GeometryDistance(geometry),
        reducer=MeanReducer() if config.soft_margin else None,
    )
