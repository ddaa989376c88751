"""Several ids for each row, such as the artists of a track, and which rows share one.

Comparing sets costs as much as they have members, and not as much as the longest of them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class IdSets:
    """The ids of row i are `ids[offsets[i] : offsets[i + 1]]`; a row may have none."""

    ids: Ids
    offsets: Ids

    @classmethod
    def of(cls, sets: Sequence[Collection[int]]) -> "IdSets":
        """One set of ids a row; ids are 0 or more."""
        sizes = [len(row_ids) for row_ids in sets]
        flat = [row_id for row_ids in sets for row_id in sorted(row_ids)]
        offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        return cls(np.array(flat, dtype=np.int64), offsets.astype(np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> Ids:
        """How many ids each row has."""
        return np.diff(self.offsets)

    def has_any_of(self, others: "IdSets") -> Flags:
        """Whether each row shares an id with any row of `others`."""
        flags = np.zeros(len(self), dtype=bool)
        rows = np.repeat(np.arange(len(self)), self.sizes)
        flags[rows[np.isin(self.ids, others.ids)]] = True
        return flags

    def at(self, positions: Ids | Flags) -> "IdSets":
        """The ids of some rows."""
        rows = np.arange(len(self), dtype=np.int64)[positions]
        sizes = self.sizes[rows]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return IdSets(self.ids[_members(self.offsets[rows], sizes)], offsets)


def share_any(queries: IdSets, references: IdSets, rows: Ids) -> Flags:
    """Whether query i shares an id with reference `rows[i, j]`: [queries, k]."""
    chosen = references.at(np.maximum(rows, 0).ravel())
    pairs = np.repeat(np.arange(rows.size), chosen.sizes)
    base = 1 + max(chosen.ids.max(initial=0), queries.ids.max(initial=0))
    own = np.repeat(np.arange(len(queries)), queries.sizes) * base + queries.ids
    is_shared = np.isin(pairs // max(rows.shape[1], 1) * base + chosen.ids, own)
    flags = np.zeros(rows.size, dtype=bool)
    flags[pairs[is_shared]] = True
    return flags.reshape(rows.shape) & (rows >= 0)


def sharing_pairs(queries: IdSets, references: IdSets) -> tuple[Ids, Ids]:
    """All pairs of a query and a reference that share an id; a pair may come more than once."""
    order = np.argsort(references.ids, kind="stable")
    by_id = references.ids[order]
    row_of = np.repeat(np.arange(len(references)), references.sizes)[order]
    first = np.searchsorted(by_id, queries.ids, side="left")
    n_sharing = np.searchsorted(by_id, queries.ids, side="right") - first
    query_of = np.repeat(np.arange(len(queries)), queries.sizes)
    return np.repeat(query_of, n_sharing), row_of[_members(first, n_sharing)]


def _members(firsts: Ids, sizes: Ids) -> Ids:
    """The numbers first, first + 1, … of each row, `size` of them, one after the other."""
    starts = np.cumsum(sizes) - sizes
    members: Ids = np.arange(int(sizes.sum()), dtype=np.int64) + np.repeat(firsts - starts, sizes)
    return members
