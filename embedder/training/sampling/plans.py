"""The order in which an epoch visits groups and their tracks. Pure: numbers in, rows out."""

from collections import deque
from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from embedder.errors import DatasetError
from embedder.training.sampling.groups import Groups

Rows = npt.NDArray[np.int64]

_GROUPS_AHEAD = 256


def plan_groups(
    groups: Groups,
    *,
    n_batches: int,
    groups_per_batch: int,
    tracks_per_group: int,
    balanced: bool,
    generator: np.random.Generator,
) -> list[Rows]:
    """`n_batches` batches of P different groups with K tracks each: int64 [P · K]."""
    visits = _Visits(groups, balanced=balanced, generator=generator)
    members = _Members(groups, tracks_per_group, generator)
    return [_fill(visits, members, groups_per_batch) for _ in range(n_batches)]


def plan_plain(
    n_tracks: int,
    *,
    batch_size: int,
    labels: npt.NDArray[np.int64] | None,
    generator: np.random.Generator,
) -> list[Rows]:
    """Shuffled batches of one epoch; with labels, each label as often as any other.

    The last batch is filled up with tracks from the beginning, so that all have the same size.
    """
    total = -(-n_tracks // batch_size) * batch_size
    if labels is None or not (labels >= 0).any():
        order = _cycle(np.arange(n_tracks), total, generator)
    else:
        order = _balanced_order(labels, total, generator)
    return [order[at : at + batch_size] for at in range(0, total, batch_size)]


class _Visits:
    """The order of the groups.

    Even: in shuffled rounds, so that each comes as often as any other. Otherwise drawn by size
    without replacement for each batch (Efraimidis and Spirakis 2006: the order of u^(1/size)).
    """

    def __init__(self, groups: Groups, *, balanced: bool, generator: np.random.Generator) -> None:
        self._generator = generator
        self._sizes = np.array([len(rows) for rows in groups.members])
        # A group of neighbours stands for its anchor, so all are alike however many there are.
        self._even = balanced or groups.anchored
        self._queue: deque[int] = deque()

    def different(self) -> Generator[int, None, None]:
        """Every group once, for one batch. The caller closes the generator when it has enough."""
        if self._even:
            yield from self._from_rounds()
        else:
            keys = self._generator.exponential(size=len(self._sizes)) / self._sizes
            # A batch takes the first few: the rest is sorted only if it needs more.
            few = min(_GROUPS_AHEAD, len(keys))
            order = np.argpartition(keys, few - 1)
            yield from order[:few][np.argsort(keys[order[:few]])].tolist()
            yield from order[few:][np.argsort(keys[order[few:]])].tolist()

    def _from_rounds(self) -> Generator[int, None, None]:
        """Groups that are in the batch already keep their place in the queue."""
        yielded_groups: set[int] = set()
        skipped_groups: list[int] = []
        try:
            while len(yielded_groups) < len(self._sizes):
                if not self._queue:
                    self._queue.extend(self._generator.permutation(len(self._sizes)).tolist())
                group = self._queue.popleft()
                if group in yielded_groups:
                    skipped_groups.append(group)
                else:
                    yielded_groups.add(group)
                    yield group
        finally:
            self._queue.extendleft(reversed(skipped_groups))


class _Members:
    """The tracks of each group in shuffled rounds: all come once before any is repeated."""

    def __init__(
        self, groups: Groups, tracks_per_group: int, generator: np.random.Generator
    ) -> None:
        self._groups = groups
        self._count = tracks_per_group
        self._generator = generator
        self._queues: dict[int, deque[int]] = {}

    def draw(self, group: int, *, used: set[int]) -> list[int] | None:
        """K tracks of a group that are not in `used`, or None if there are too few."""
        rows = self._groups.members[group]
        anchor = int(rows[0]) if self._groups.anchored else None
        if anchor in used:
            return None
        n_tracks = min(self._count, len(rows))
        members = [] if anchor is None else [anchor]
        members += self._next(group, n_tracks - len(members), used=used | set(members))
        if len(members) < n_tracks:
            return None
        # A small group repeats its own tracks.
        return [members[place % n_tracks] for place in range(self._count)]

    def _next(self, group: int, count: int, *, used: set[int]) -> list[int]:
        """Up to `count` tracks: the rest of this round, then those of a new one."""
        queue = self._queues.setdefault(group, deque())
        tracks: list[int] = []
        skipped: list[int] = []
        is_new_round = False
        while len(tracks) < count:
            if not queue:
                if is_new_round:
                    break
                queue.extend(self._generator.permutation(self._groups.members[group]).tolist())
                is_new_round = True
            row = queue.popleft()
            (skipped if row in used or row in tracks else tracks).append(row)
        returned = dict.fromkeys(skipped if len(tracks) == count else [*skipped, *tracks])
        queue.extendleft(reversed(returned))
        return tracks


def _fill(visits: _Visits, members: _Members, groups_per_batch: int) -> Rows:
    used: set[int] = set()
    batch: list[int] = []
    n_groups = 0
    groups = visits.different()
    for group in groups:
        tracks = members.draw(group, used=used)
        if tracks is None:
            continue
        batch += tracks
        used |= set(tracks)
        n_groups += 1
        if n_groups == groups_per_batch:
            break
    groups.close()  # skipped groups go back into the queue now
    if n_groups < groups_per_batch:
        raise DatasetError(
            f"the groups share so many tracks that only {n_groups} of {groups_per_batch} fit into "
            "one batch without a repeat. Lower sampler.groups_per_batch or tracks_per_group."
        )
    return np.array(batch, dtype=np.int64)


def _cycle(rows: Rows, total: int, generator: np.random.Generator) -> Rows:
    """`total` rows in shuffled rounds."""
    rounds = [generator.permutation(rows) for _ in range(-(-total // len(rows)))]
    return np.concatenate(rounds)[:total]


def _balanced_order(labels: Rows, total: int, generator: np.random.Generator) -> Rows:
    # Unlabelled tracks, -1, are drawn like one more label.
    rows_of_label = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    of_label = _cycle(np.arange(len(rows_of_label)), total, generator)
    order = np.empty(total, dtype=np.int64)
    for label, rows in enumerate(rows_of_label):
        places = np.flatnonzero(of_label == label)
        order[places] = _cycle(rows, len(places), generator) if len(places) else rows[:0]
    return order
