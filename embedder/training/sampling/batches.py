"""Batches that contain positives by design.

The contract of a batch of kind `groups`, by one relation:

    P groups, all different          |a a a a|b b b b|c c c c|   P = 3
    K tracks each                     K = 4, every track of the batch another one
    C crops of each track            |a1 a1 a2 a2 …|             C = 2, next to each other

If `small_groups` is `repeat`, a group with fewer than K tracks repeats its own tracks (with other
crops). Otherwise no track is repeated: a track in two groups (tags, neighbours) comes once. The
relation `track` makes groups of one track (or of its parts), so it needs K = 1 and C ≥ 2, or
`repeat`.

With several relations each gets its share of whole batches, so every batch has one contract.

An epoch has as many batches as show every track once. It depends on the seed and its number
alone, so a resumed run gets exactly the batches that it would have had.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedder.config.batches import SamplerConfig
from embedder.config.objectives import RelationKind
from embedder.errors import ConfigError, DatasetError
from embedder.training.objectives.targets import TrackTargets
from embedder.training.sampling.groups import Groups, build_groups, require_enough, usable_groups
from embedder.training.sampling.plans import plan_groups, plan_plain

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """rows: int64 [P · K · C] of the data set; relation: the one of its contract; None: plain."""

    rows: Rows
    relation: RelationKind | None


class BatchSampler:
    """Plans the batches of any epoch."""

    def __init__(self, config: SamplerConfig, targets: TrackTargets) -> None:
        _check(config, len(targets))
        self.config = config
        self.left_out: dict[str, int] = {}
        """Groups too small for the contract, by relation."""
        self._targets = targets
        self._shares = relation_shares(config)
        self._groups = self._usable_groups() if config.kind == "groups" else {}

    @property
    def tracks_per_batch(self) -> int:
        """Different rows in a batch, crops not counted."""
        config = self.config
        grouped = config.groups_per_batch * config.tracks_per_group
        return grouped if config.kind == "groups" else config.batch_size

    @property
    def examples_per_batch(self) -> int:
        """Crops in a batch."""
        return self.tracks_per_batch * self.config.crops_per_track

    def __len__(self) -> int:
        """Batches of an epoch."""
        return max(1, -(-len(self._targets) // self.tracks_per_batch))

    def plan(self, epoch: int) -> list[Batch]:
        """All batches of an epoch, by its number."""
        generator = np.random.default_rng([self.config.seed, epoch])
        if self.config.kind == "plain":
            return self._crops(self._plain(generator), None)
        counts = _split(len(self), self._shares, epoch=epoch)
        batches: list[Batch] = []
        for (relation, groups), count in zip(self._groups.items(), counts, strict=True):
            batches += self._crops(self._plan_groups(groups, count, generator), relation)
        return [batches[at] for at in generator.permutation(len(batches))]

    def _plan_groups(
        self, groups: Groups, count: int, generator: np.random.Generator
    ) -> list[Rows]:
        return plan_groups(
            groups,
            n_batches=count,
            groups_per_batch=self.config.groups_per_batch,
            tracks_per_group=self.config.tracks_per_group,
            balanced=self.config.balanced,
            generator=generator,
        )

    def _plain(self, generator: np.random.Generator) -> list[Rows]:
        labels = self._targets.labels if self.config.balanced else None
        return plan_plain(
            len(self._targets),
            batch_size=self.config.batch_size,
            labels=labels,
            generator=generator,
        )

    def _crops(self, plan: list[Rows], relation: RelationKind | None) -> list[Batch]:
        return [Batch(np.repeat(rows, self.config.crops_per_track), relation) for rows in plan]

    def _usable_groups(self) -> dict[RelationKind, Groups]:
        config, groups_of = self.config, {}
        for relation in config.relations:
            groups, left_out = usable_groups(
                build_groups(relation, self._targets, n_neighbours=config.n_neighbours),
                tracks_per_group=config.tracks_per_group,
                small_groups=config.small_groups,
            )
            require_enough(
                groups,
                groups_per_batch=config.groups_per_batch,
                tracks_per_group=config.tracks_per_group,
            )
            groups_of[relation] = groups
            self.left_out[relation] = left_out
        return groups_of


def relation_shares(config: SamplerConfig) -> npt.NDArray[np.float64]:
    """The share of the batches that each relation gets; they sum to one."""
    weights = np.asarray(config.relation_weights or [1.0] * len(config.relations), dtype=float)
    fits = len(weights) == len(config.relations)
    if not fits or (weights < 0).any() or weights.sum() <= 0:
        raise ConfigError(
            f"sampler.relation_weights = {list(config.relation_weights)}: give one number, 0 or "
            f"more, for each of {', '.join(config.relations)}"
        )
    return np.asarray(weights / weights.sum())


def _split(total: int, shares: npt.NDArray[np.float64], *, epoch: int) -> list[int]:
    """Whole numbers that sum to `total` and, over epochs, follow the shares (largest remainders).

    A share that is rounded down in one epoch is made up for in a later one, however small it is.
    """
    given_counts = np.zeros(len(shares))
    counts = given_counts.astype(int)
    for number in range(epoch + 1):
        lacking = shares * total * (number + 1) - given_counts
        counts = np.maximum(np.floor(lacking), 0).astype(int)
        while counts.sum() > total:  # one relation gets its missing batch in a later epoch
            counts[np.argmax(counts - lacking)] -= 1
        for at in np.argsort(counts - lacking, kind="stable")[: total - counts.sum()]:
            counts[at] += 1
        given_counts += counts
    return [int(count) for count in counts]


def _check(config: SamplerConfig, n_tracks: int) -> None:
    if not n_tracks:
        raise DatasetError("there are no tracks to draw batches from")
    numbers = {
        "groups_per_batch": config.groups_per_batch,
        "tracks_per_group": config.tracks_per_group,
        "crops_per_track": config.crops_per_track,
        "batch_size": config.batch_size,
    }
    for name, number in numbers.items():
        if number < 1:
            raise ConfigError(f"sampler.{name} = {number}: must be at least 1")
    if config.kind == "groups" and not config.relations:
        raise ConfigError("sampler.relations is empty: name one, for example label")
