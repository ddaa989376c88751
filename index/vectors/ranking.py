"""The results of a search in their true order. Pure: arrays in, arrays out."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from index.vectors.distances import FloatMatrix, Space
from index.vectors.store import NO_TRACK, IdArray


def padded(n_queries: int, k: int) -> tuple[FloatMatrix, IdArray]:
    """Empty results [n, k]: infinite distances, and no track."""
    distances = np.full((n_queries, k), np.inf, dtype=np.float32)
    return distances, np.full((n_queries, k), NO_TRACK, dtype=np.int64)


def measured(
    space: Space,
    queries: FloatMatrix,
    hit_rows: NDArray[np.int64],
    vectors_at: Callable[[NDArray[np.int64]], FloatMatrix],
) -> tuple[FloatMatrix, NDArray[np.int64]]:
    """Rows [n, candidates] with their true distances, nearest first; -1 goes last."""
    distances = np.empty(hit_rows.shape, dtype=np.float32)
    rows = np.empty_like(hit_rows)
    for position, query in enumerate(queries):
        candidates = hit_rows[position]
        measures = space.between(query, vectors_at(candidates))
        if candidates[-1] < 0:  # FAISS puts missing rows last
            measures[candidates < 0] = np.inf
        order = measures.argsort(kind="stable")
        distances[position] = measures[order]
        rows[position] = candidates[order]
    return distances, rows


def with_ties_by_id(distances: FloatMatrix, ids: IdArray) -> tuple[FloatMatrix, IdArray]:
    """The same results; ties are ordered by id, so that a rebuilt store gives the same order."""
    tied = distances[:, 1:] == distances[:, :-1]
    if not tied.any():
        return distances, ids
    for row in np.flatnonzero(tied.any(axis=1)):
        order = np.lexsort((ids[row], distances[row]))
        ids[row] = ids[row, order]
    return distances, ids
