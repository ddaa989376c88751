"""A store of many vectors, built in blocks: memory holds the index, and no second copy."""

from collections.abc import Callable

import numpy as np

from index.vectors.distances import FloatMatrix, Space
from index.vectors.faiss_part import FaissPart, sampled_rows
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import StoreSettings, choose_plan
from index.vectors.store import IdArray

VECTORS_AT_ONCE = 65_536

Read = Callable[[IdArray], FloatMatrix]
"""From ids [n] to their vectors [n, d]."""


def build_in_blocks(
    space: Space, ids: IdArray, *, size: int, read: Read, settings: StoreSettings | None = None
) -> FaissStore:
    """The store that `FaissStore.build` makes of all vectors, read block by block."""
    plan = choose_plan(len(ids), size, settings or StoreSettings())
    sample = np.empty((0, size), dtype=np.float32)
    if plan.kind != "exact" and plan.kind != "hnsw":  # what is kept in full needs no fitting
        sample = space.to_unit(read(ids[sampled_rows(len(ids))]))
    part = FaissPart.begun(sample, plan, inner_product=space.kind == "cosine")
    del sample
    for start in range(0, len(ids), VECTORS_AT_ONCE):
        part.add(space.to_unit(read(ids[start : start + VECTORS_AT_ONCE])))
    return FaissStore(space, part, ids=np.array(ids, np.int64))
