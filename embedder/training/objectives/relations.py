"""The positive and negative pairs of a batch; some pairs are neither.

A relation is a rule with three results: yes, no, unknown. If there are several, a pair is
positive if any says yes, and negative if none says yes and at least one says no.

    label, artist, album, track   the same known id, or two known ids that differ
    tag                           tags alike enough, or no tag in common
    handcrafted, latent           nearer than a radius, or farther than another, in the features of
                                  timbre and beat or in the latent space of the tags
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from embedder.config.objectives import ObjectiveConfig, RelationKind
from embedder.errors import DatasetError
from embedder.training.objectives.tags import tag_similarity, tag_weights
from embedder.training.objectives.targets import BatchTargets, Matrix, TargetFacts

ID_COLUMNS: dict[str, str] = {
    "label": "labels",
    "artist": "artists",
    "album": "albums",
    "track": "tracks",
}


@dataclass(frozen=True, slots=True)
class PairMasks:
    """positive, negative: bool [batch, batch], symmetric, never both, the diagonal in neither."""

    positive: torch.Tensor
    negative: torch.Tensor


class Relation(Protocol):
    """A rule over the pairs of a batch."""

    def __call__(self, targets: BatchTargets) -> PairMasks:
        """The pairs for which it holds, and those for which it does not."""
        ...


@dataclass(frozen=True, slots=True)
class SameId:
    """The same label, artist, album or track."""

    kind: RelationKind

    def __call__(self, targets: BatchTargets) -> PairMasks:
        """Pairs of known ids: equal, different."""
        ids = known_ids(targets, self.kind)
        both_known = (ids[:, None] >= 0) & (ids[None, :] >= 0)
        same = ids[:, None] == ids[None, :]
        return _off_diagonal(both_known & same, both_known & ~same)


@dataclass(frozen=True, slots=True)
class AlikeTags:
    """Tags alike enough; weights: float32 [tags]."""

    weights: torch.Tensor
    similarity: str
    threshold: float

    def __call__(self, targets: BatchTargets) -> PairMasks:
        """Pairs of tagged tracks: at or over the threshold, without a common tag."""
        tags = _required(targets.tags, "tag", "tags")
        alike = tag_similarity(tags, weights=self.weights.to(tags.device), kind=self.similarity)
        tagged = (tags > 0).any(dim=1)
        both_tagged = tagged[:, None] & tagged[None, :]
        return _off_diagonal(both_tagged & (alike >= self.threshold), both_tagged & (alike <= 0))


@dataclass(frozen=True, slots=True)
class Near:
    """Near in a feature space; the radii are Euclidean distances."""

    column: str
    near: float
    far: float

    def __call__(self, targets: BatchTargets) -> PairMasks:
        """Pairs of known rows: within `near`, beyond `far`."""
        values = _required(getattr(targets, self.column), self.column, self.column)
        is_known = ~values.isnan().any(dim=1)
        filled = torch.nan_to_num(values)
        distances = torch.cdist(filled, filled, compute_mode="donot_use_mm_for_euclid_dist")
        both_known = is_known[:, None] & is_known[None, :]
        # With few different tags, many pairs share the largest distance: they count as far.
        return _off_diagonal(
            both_known & (distances <= self.near), both_known & (distances >= self.far)
        )


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Several relations as one."""

    relations: tuple[Relation, ...]

    def __call__(self, targets: BatchTargets) -> PairMasks:
        """Positive if any says yes; negative if none says yes and at least one says no."""
        masks = [relation(targets) for relation in self.relations]
        positive = torch.stack([mask.positive for mask in masks]).any(dim=0)
        negative = torch.stack([mask.negative for mask in masks]).any(dim=0)
        return PairMasks(positive, negative & ~positive)


def build_relation(config: ObjectiveConfig, facts: TargetFacts) -> Relation:
    """The relation that an objective's settings describe."""
    built = build_relations(config.relations, config, facts)
    return built[0] if len(built) == 1 else AnyOf(built)


def build_relations(
    kinds: Sequence[RelationKind], config: ObjectiveConfig, facts: TargetFacts
) -> tuple[Relation, ...]:
    """A relation for each kind."""
    if not kinds:
        raise DatasetError("an objective needs at least one relation, for example label")
    return tuple(_relation(kind, config, facts) for kind in kinds)


def known_ids(targets: BatchTargets, kind: str) -> torch.Tensor:
    """The ids that a relation compares, int64 [batch]."""
    column = ID_COLUMNS[kind]
    return _required(getattr(targets, column), kind, column)


def _relation(kind: RelationKind, config: ObjectiveConfig, facts: TargetFacts) -> Relation:
    if kind in ID_COLUMNS:
        return SameId(kind)
    if kind == "tag":
        weights = tag_weights(facts.tag_counts, kind=config.tag_weights, n_tracks=facts.n_tracks)
        return AlikeTags(weights, config.tag_similarity, config.tag_threshold)
    column, distances = (
        ("features", facts.feature_distances)
        if kind == "handcrafted"
        else ("latent", facts.latent_distances)
    )
    return Near(column, *_radii(distances, kind, config))


def _radii(distances: Matrix | None, kind: str, config: ObjectiveConfig) -> tuple[float, float]:
    if distances is None:
        raise DatasetError(f"the relation {kind!r} needs {kind} vectors; this data set has none")
    near, far = np.quantile(distances, [config.near_share, 1.0 - config.far_share])
    if not far > near:
        raise DatasetError(
            f"the relation {kind!r}: {config.near_share:.0%} of all pairs are no nearer than "
            f"{config.far_share:.0%} are, so nothing tells near from far. Choose another relation."
        )
    return float(near), float(far)


def _required(values: torch.Tensor | None, kind: str, column: str) -> torch.Tensor:
    if values is None:
        raise DatasetError(
            f"the relation {kind!r} needs {column}; this data set has none. "
            "Choose another relation or add the column."
        )
    return values


def _off_diagonal(positive: torch.Tensor, negative: torch.Tensor) -> PairMasks:
    off_diagonal = ~torch.eye(len(positive), dtype=torch.bool, device=positive.device)
    return PairMasks(positive & off_diagonal, negative & off_diagonal)
