"""Pairs that are more or less alike: graded contrastive pairs, and tag similarity as a target."""

import torch

from embedder.config.objectives import ObjectiveConfig
from embedder.errors import ConfigError, DatasetError
from embedder.geometry import Geometry
from embedder.training.objectives.objective import Objective, ObjectiveValue, pair_value, zero_loss
from embedder.training.objectives.relations import PairMasks, Relation, build_relations, known_ids
from embedder.training.objectives.tags import tag_similarity, tag_weights
from embedder.training.objectives.targets import BatchTargets, TargetFacts


class GradedContrastive(Objective):
    """Contrastive pairs with a grade y in 0…1: y d² pulls, (1 - y) max(0, margin - d)² pushes.

    The grade of a pair is the largest weight among the relations that hold for it; two crops of
    one track (the relation `track`) are the identity pairs. With a label similarity in the data
    set's facts, the relation `label` counts its weight times that. Pulling and pushing are each
    averaged over their grades, so that many unlike pairs do not outweigh a few alike ones.
    """

    name = "graded-contrastive"
    label_similarity: torch.Tensor | None

    def __init__(self, config: ObjectiveConfig, *, facts: TargetFacts, geometry: Geometry) -> None:
        super().__init__()
        self.config = config
        self.geometry = geometry
        self.relations = build_relations(config.relations, config, facts)
        self.weights = relation_weights(config)
        similarity = facts.label_similarity
        self.register_buffer(
            "label_similarity",
            None if similarity is None else torch.from_numpy(similarity),
            persistent=False,
        )

    def forward(
        self,
        embeddings: torch.Tensor,
        targets: BatchTargets,
        *,
        generator: torch.Generator | None = None,  # noqa: ARG002  # the common call
    ) -> ObjectiveValue:
        """See `Objective`."""
        grades, is_known = self.grades(targets)
        distances = self.geometry.pairwise(embeddings, embeddings)
        grades = grades.to(distances.dtype)
        pull = grades * distances.square()
        push = (1 - grades) * (self.config.margin - distances).clamp_min(0.0).square()
        loss = _mean_over(pull, grades * is_known) + _mean_over(push, (1 - grades) * is_known)
        masks = PairMasks(is_known & (grades >= 0.5), is_known & (grades < 0.5))
        return pair_value(loss, distances, masks, margin=self.config.margin, learns_from=self.name)

    def grades(self, targets: BatchTargets) -> tuple[torch.Tensor, torch.Tensor]:
        """How alike each pair is, float32 [batch, batch], and whether that is known, bool."""
        parts = [
            self._grades_of(relation, kind, targets)
            for relation, kind in zip(self.relations, self.config.relations, strict=True)
        ]
        graded = [part * weight for (part, _), weight in zip(parts, self.weights, strict=True)]
        is_known = torch.stack([part_is_known for _, part_is_known in parts]).any(dim=0)
        return torch.stack(graded).amax(dim=0), is_known

    def _grades_of(
        self, relation: Relation, kind: str, targets: BatchTargets
    ) -> tuple[torch.Tensor, torch.Tensor]:
        masks = relation(targets)
        is_known = masks.positive | masks.negative
        if kind != "label" or self.label_similarity is None:
            return masks.positive.float(), is_known
        labels = known_ids(targets, "label").clamp_min(0)
        return self.label_similarity[labels][:, labels] * is_known, is_known


class TagSimilarityObjective(Objective):
    """Vectors as alike as the tags of their tracks are.

    The similarity of two vectors is the cosine, or 1 / (1 + d) in the other geometries. `squared`:
    the mean squared difference over pairs. `cross-entropy`: each track's row of similarities over
    the temperature, as shares, against the same of its tags.
    """

    name = "tag-similarity"
    weights: torch.Tensor

    def __init__(self, config: ObjectiveConfig, *, facts: TargetFacts, geometry: Geometry) -> None:
        super().__init__()
        self.config = config
        self.geometry = geometry
        weights = tag_weights(facts.tag_counts, kind=config.tag_weights, n_tracks=facts.n_tracks)
        self.register_buffer("weights", weights, persistent=False)

    def forward(
        self,
        embeddings: torch.Tensor,
        targets: BatchTargets,
        *,
        generator: torch.Generator | None = None,  # noqa: ARG002  # the common call
    ) -> ObjectiveValue:
        """See `Objective`."""
        if targets.tags is None:
            raise DatasetError("tag-similarity needs tags; this data set has none")
        target = tag_similarity(targets.tags, weights=self.weights, kind=self.config.tag_similarity)
        tagged = (targets.tags > 0).any(dim=1)
        pairs = tagged[:, None] & tagged[None, :]
        pairs = pairs & ~torch.eye(len(pairs), dtype=torch.bool, device=pairs.device)
        distances = self.geometry.pairwise(embeddings, embeddings)
        cosine = self.geometry.kind == "cosine"
        similarities = 1 - distances if cosine else 1 / (1 + distances)
        loss = self._loss(similarities, target.to(similarities.dtype), pairs)
        near = target >= self.config.tag_threshold
        masks = PairMasks(pairs & near, pairs & (target <= 0))
        return pair_value(loss, distances, masks, margin=self.config.margin)

    def _loss(
        self, similarities: torch.Tensor, target: torch.Tensor, pairs: torch.Tensor
    ) -> torch.Tensor:
        if not pairs.any():
            return zero_loss(similarities)
        if self.config.soft_target_loss == "squared":
            return (similarities - target)[pairs].square().mean()
        rows = pairs.any(dim=1)
        similarities, target, pairs = similarities[rows], target[rows], pairs[rows]
        lowest = torch.finfo(similarities.dtype).min
        shares = (target / self.config.temperature).masked_fill(~pairs, lowest).softmax(dim=1)
        logs = (
            (similarities / self.config.temperature).masked_fill(~pairs, lowest).log_softmax(dim=1)
        )
        return -(shares * logs.masked_fill(~pairs, 0.0)).sum(dim=1).mean()


def relation_weights(config: ObjectiveConfig) -> tuple[float, ...]:
    """A grade for each relation; 1 by default."""
    weights = config.relation_weights or (1.0,) * len(config.relations)
    if len(weights) != len(config.relations) or not all(0 <= w <= 1 for w in weights):
        raise ConfigError(
            f"relation_weights = {list(weights)}: give one of 0…1 for each of "
            f"{', '.join(config.relations)}"
        )
    return weights


def _mean_over(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The mean of values that contain their weight already; unknown pairs weigh nothing."""
    return (values * (weights > 0)).sum() / weights.sum().clamp_min(1e-12)
