"""Groups of tracks that count as alike; the batch sampler draws from them.

For ids (label, artist, album, track) a group is the tracks of one id; for tags, the tracks that
have a tag, so a track may be in several groups; for features and latent vectors, a track and its
nearest neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from embedder.config.batches import SamplerConfig, SmallGroups
from embedder.config.objectives import ObjectiveConfig, ObjectiveKind, RelationKind
from embedder.errors import ConfigError, DatasetError
from embedder.training.objectives.relations import ID_COLUMNS
from embedder.training.objectives.targets import Ids, Matrix, TrackTargets

_CHUNK_ROWS = 1024

BY_RELATION: frozenset[ObjectiveKind] = frozenset(
    {
        "triplet",
        "contrastive",
        "graded-contrastive",
        "multi-similarity",
        "nt-xent",
        "supervised-contrastive",
    }
)
"""The objectives that learn from the pairs of their relations."""

Known = TypeVar("Known", Ids, Matrix)


@dataclass(frozen=True, slots=True)
class Groups:
    """members: rows of each group. anchored: the first member is always drawn."""

    relation: RelationKind
    members: tuple[Ids, ...]
    anchored: bool = False

    def __len__(self) -> int:
        return len(self.members)


def build_groups(relation: RelationKind, targets: TrackTargets, *, n_neighbours: int) -> Groups:
    """The groups of a relation over the whole data set."""
    if relation in ID_COLUMNS:
        ids: Ids | None = getattr(targets, ID_COLUMNS[relation])
        if ids is None and relation == "track":
            ids = np.arange(len(targets))
        return Groups(relation, _by_id(_required(ids, relation)))
    if relation == "tag":
        tags = _required(targets.tags, relation)
        members = tuple(np.flatnonzero(column) for column in (tags > 0).T)
        return Groups(relation, tuple(rows for rows in members if len(rows)))
    values = _required(targets.features if relation == "handcrafted" else targets.latent, relation)
    return Groups(relation, _nearest(values, n_neighbours), anchored=True)


def usable_groups(
    groups: Groups, *, tracks_per_group: int, small_groups: SmallGroups
) -> tuple[Groups, int]:
    """Groups that can give `tracks_per_group` tracks, and how many were left out."""
    fewest = tracks_per_group if small_groups == "leave-out" else 1
    large = tuple(rows for rows in groups.members if len(rows) >= fewest)
    return Groups(groups.relation, large, groups.anchored), len(groups) - len(large)


def require_enough(groups: Groups, *, groups_per_batch: int, tracks_per_group: int) -> None:
    """Refuse a contract that the data set cannot keep; the message gives the possible number."""
    if len(groups) < groups_per_batch:
        raise DatasetError(
            f"a batch needs {groups_per_batch} {groups.relation} groups of {tracks_per_group} "
            f"tracks; only {len(groups)} have as many. Lower sampler.groups_per_batch or "
            "sampler.tracks_per_group, or set sampler.small_groups = 'repeat'."
        )


def require_identity_pairs(
    objectives: Sequence[ObjectiveConfig], sampler: SamplerConfig, targets: TrackTargets
) -> None:
    """Refuse an objective that pairs crops of one track if each batch has one crop of a track."""
    has_parts = targets.tracks is not None and len(np.unique(targets.tracks)) < len(targets)
    groups_by_track = sampler.kind == "groups" and "track" in sampler.relations
    if sampler.crops_per_track > 1 or has_parts:
        return
    if groups_by_track and sampler.tracks_per_group > 1:
        return
    for number, objective in enumerate(objectives):
        if objective.kind in BY_RELATION and objective.relations == ("track",):
            raise ConfigError(
                f"objectives.{number}.relations = ['track'] pairs the crops of one track, but a "
                "batch has one crop of each track: set sampler.crops_per_track = 2"
            )


def _required(values: Known | None, relation: str) -> Known:
    if values is None:
        raise DatasetError(f"the data set has no values for positives by {relation}")
    return values


def _by_id(ids: Ids) -> tuple[Ids, ...]:
    order = np.argsort(ids, kind="stable")
    order = order[ids[order] >= 0]
    starts = np.flatnonzero(np.diff(ids[order], prepend=-1))
    return tuple(np.split(order, starts[1:])) if len(order) else ()


def _nearest(values: Matrix, count: int) -> tuple[Ids, ...]:
    """Each known row with its `count` nearest known rows, itself first."""
    known_rows = np.flatnonzero(~np.isnan(values).any(axis=1))
    vectors = values[known_rows].astype(np.float32)
    count = min(count, len(known_rows) - 1)
    if count < 1:
        raise DatasetError("neighbours need at least two tracks with vectors")
    squares = (vectors**2).sum(axis=1)
    neighbours: list[Ids] = []
    for chunk in _chunks(len(known_rows)):
        distances = squares[None, :] - 2 * vectors[chunk] @ vectors.T
        distances[np.arange(len(chunk)), chunk] = -np.inf
        nearest = np.argpartition(distances, count, axis=1)[:, : count + 1]
        by_distance = np.argsort(np.take_along_axis(distances, nearest, axis=1), axis=1)
        neighbours.extend(known_rows[np.take_along_axis(nearest, by_distance, axis=1)])
    return tuple(neighbours)


def _chunks(length: int) -> Sequence[Ids]:
    return np.array_split(np.arange(length), max(1, -(-length // _CHUNK_ROWS)))
