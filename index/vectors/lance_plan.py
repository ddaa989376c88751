"""Which index a table of LanceDB gets, and how much of it a search reads. Pure arithmetic.

Below a hundred thousand vectors the table has no index: a search that reads all of it from a disk
or from object storage takes longer than one in memory, which also is exact.
"""

from dataclasses import dataclass

from index.vectors.kinds import (
    MAX_EXACT_VECTORS,
    MIN_CODED_VECTORS,
    LanceKind,
    StoreSettings,
    code_bytes,
    memory_bytes,
)

ROWS_PER_LIST = 4096
"""LanceDB reads a list as a whole. Its makers advise lists of this size."""
FEWEST_PROBES = 24
MAX_UNINDEXED = 4096
"""Rows that are not in the index yet are compared one by one, in every search."""
MAX_UNINDEXED_SHARE = 0.02
MAX_APPENDS = 32
"""Every append is a file of its own, which every search opens."""
MAX_GROWTH = 4
"""Lists are placed anew if there are so many times the rows that they were placed for."""


@dataclass(frozen=True, slots=True)
class LancePlan:
    """An index and its numbers."""

    kind: LanceKind
    n_lists: int = 0
    code_bytes: int = 0
    n_probes: int = 0
    candidates_per_hit: int = 1
    """The number of hits that are compared exactly for each requested neighbour."""


def lance_plan(n_vectors: int, size: int, settings: StoreSettings) -> LancePlan:
    """The plan for n vectors of a size, within the allowed memory."""
    return plan_of_kind(_kind_that_fits(n_vectors, size, settings), n_vectors, size, settings)


def plan_of_kind(kind: LanceKind, n_vectors: int, size: int, settings: StoreSettings) -> LancePlan:
    """The numbers of a kind for n vectors."""
    if kind == "lance-exact":
        return LancePlan(kind)
    n_lists = max(n_vectors // ROWS_PER_LIST, 1)
    n_probes = settings.search_effort or max(n_lists // 10, FEWEST_PROBES)
    if kind == "lance-sq8":
        return LancePlan(kind, n_lists, n_probes=n_probes, candidates_per_hit=4)
    codes = code_bytes(size)
    return LancePlan(kind, n_lists, codes, n_probes=n_probes, candidates_per_hit=10)


def grown_kind(kind: LanceKind, n_vectors: int, size: int, settings: StoreSettings) -> LanceKind:
    """The kind for n vectors; near a limit of size, that which the table has already."""
    kinds = [
        _kind_that_fits(max(int(n_vectors * factor), 1), size, settings) for factor in (0.8, 1.25)
    ]
    return kind if kind in kinds else _kind_that_fits(n_vectors, size, settings)


def is_due(n_unindexed: int, n_appends: int, n_rows: int) -> bool:
    """Whether appended rows are to be put into few files and into the index."""
    room = max(MAX_UNINDEXED, int(MAX_UNINDEXED_SHARE * n_rows))
    return n_unindexed > room or n_appends >= MAX_APPENDS


def _kind_that_fits(n_vectors: int, size: int, settings: StoreSettings) -> LanceKind:
    if n_vectors < MIN_CODED_VECTORS:
        return "lance-exact"
    if settings.kind == "lance-sq8" or settings.kind == "lance-pq":
        return settings.kind
    if n_vectors <= MAX_EXACT_VECTORS:
        return "lance-exact"
    is_small = memory_bytes("ivf-sq8", n_vectors, size) <= settings.memory_bytes
    return "lance-sq8" if is_small else "lance-pq"
