"""From settings to objectives, and several objectives on one backbone."""

from collections.abc import Sequence

import torch
from torch import nn

from embedder.config.objectives import ObjectiveConfig
from embedder.errors import ConfigError
from embedder.geometry import Geometry
from embedder.training.objectives.graded import GradedContrastive, TagSimilarityObjective
from embedder.training.objectives.heads import DistillationObjective, TaggingObjective
from embedder.training.objectives.objective import Objective, ObjectiveValue
from embedder.training.objectives.pairs import PairObjective
from embedder.training.objectives.proxies import ProxyObjective
from embedder.training.objectives.relations import build_relation
from embedder.training.objectives.targets import BatchTargets, TargetFacts
from embedder.training.objectives.triplets import TripletObjective


class MultiObjective(Objective):
    """A weighted sum of objectives, for example genre proxies and artist triplets.

    The doctor reads the numbers of the first objective that looks at pairs.
    """

    name = "multi"

    def __init__(self, objectives: Sequence[Objective], *, weights: Sequence[float]) -> None:
        super().__init__()
        self.objectives = nn.ModuleList(objectives)
        self.weights = tuple(weights)

    def forward(
        self,
        embeddings: torch.Tensor,
        targets: BatchTargets,
        *,
        generator: torch.Generator | None = None,
    ) -> ObjectiveValue:
        """See `Objective`."""
        values = [part(embeddings, targets, generator=generator) for part in self.objectives]
        loss = torch.stack(
            [value.loss * weight for value, weight in zip(values, self.weights, strict=True)]
        ).sum()
        first = next((v for v in values if not v.positive_distance.isnan()), values[0])
        names = [f"{at}-{part.name}" for at, part in enumerate(self.objectives)]
        parts = {name: v.loss.detach() for name, v in zip(names, values, strict=True)}
        by_pairs = {
            name: v.positive_distance for name, v in zip(names, values, strict=True) if v.by_pairs
        }
        return ObjectiveValue(
            loss,
            first.active_share,
            first.positive_distance,
            first.negative_distance,
            parts,
            by_pairs,
        )


def build_objectives(
    configs: Sequence[ObjectiveConfig],
    facts: TargetFacts,
    *,
    embedding_size: int,
    geometry: Geometry,
    generator: torch.Generator,
) -> Objective:
    """One objective, or the weighted sum of several."""
    if not configs:
        raise ConfigError("training needs at least one objective")
    for config in configs:
        if config.weight <= 0:
            raise ConfigError(f"{config.kind}: weight = {config.weight}, must be above 0")
    built = [
        build_objective(
            config, facts, embedding_size=embedding_size, geometry=geometry, generator=generator
        )
        for config in configs
    ]
    if len(built) == 1 and configs[0].weight == 1.0:
        return built[0]
    return MultiObjective(built, weights=[config.weight for config in configs])


def build_objective(
    config: ObjectiveConfig,
    facts: TargetFacts,
    *,
    embedding_size: int,
    geometry: Geometry,
    generator: torch.Generator,
) -> Objective:
    """The objective that the settings describe. `generator` initialises proxies and heads."""
    _check(config)
    if config.kind in ("proxy-anchor", "softmax"):
        return ProxyObjective(
            config,
            facts=facts,
            embedding_size=embedding_size,
            geometry=geometry,
            generator=generator,
        )
    if config.kind == "distillation":
        return DistillationObjective(
            embedding_size=embedding_size, teacher_size=facts.teacher_size, generator=generator
        )
    if config.kind == "tagging":
        return TaggingObjective(
            embedding_size=embedding_size, n_tags=facts.n_tags, generator=generator
        )
    if config.kind == "tag-similarity":
        return TagSimilarityObjective(config, facts=facts, geometry=geometry)
    if config.kind == "graded-contrastive":
        return GradedContrastive(config, facts=facts, geometry=geometry)
    relation = build_relation(config, facts)
    if config.kind == "triplet":
        return TripletObjective(config, relation=relation, geometry=geometry)
    return PairObjective(config, relation=relation, geometry=geometry)


def _check(config: ObjectiveConfig) -> None:
    if config.temperature <= 0:
        raise ConfigError(f"{config.kind}: temperature = {config.temperature}, must be above 0")
    if config.margin < 0:
        raise ConfigError(f"{config.kind}: margin = {config.margin}, must not be negative")
    if config.relation_weights and config.kind != "graded-contrastive":
        raise ConfigError(
            f"{config.kind}: relation_weights grade the pairs of graded-contrastive. "
            "Weigh other losses by giving several objectives, and batches in the sampler."
        )
