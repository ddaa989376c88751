"""The nearest neighbours of every track in the full space, which lay out and judge a map."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.library_folder.open_library import OpenLibrary
from index.vectors.all_pairs import nearest_of_each

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Rows = NDArray[np.int32]

QUERIES_AT_ONCE = 2048


@dataclass(frozen=True, slots=True, eq=False)
class NearTable:
    """The nearest neighbours of each track, nearest first, without the track itself.

    rows: int32 [tracks, k], positions in the list of tracks; distances: float32 [tracks, k]
    """

    rows: Rows
    distances: Floats

    @property
    def k(self) -> int:
        """The number of neighbours of each track."""
        return int(self.rows.shape[1])

    def first(self, k: int) -> "NearTable":
        """Only the k nearest."""
        return NearTable(
            np.ascontiguousarray(self.rows[:, :k]), np.ascontiguousarray(self.distances[:, :k])
        )


def near_table(library: OpenLibrary, ids: Ids, vectors: Floats, *, k: int) -> NearTable:
    """The k nearest (or all others, if there are fewer) of each track of the library.

    ids: all ids of the library's store, ascending; vectors: [tracks, size], theirs. In a large
    library one neighbour in a thousand may be missing; the next one takes its place.
    """
    k = min(k, len(ids) - 1)
    rows = np.empty((len(ids), k), dtype=np.int32)
    distances = np.empty((len(ids), k), dtype=np.float32)
    all_pairs = nearest_of_each(vectors, k + 1, space=library.space) if k > 0 else None
    if all_pairs is not None:
        far, near_rows = all_pairs
        own = np.arange(len(ids), dtype=np.int32)
        return NearTable(*_without_self(near_rows.astype(np.int32), far, near_rows >= 0, own))
    for start in range(0, len(ids) if k > 0 else 0, QUERIES_AT_ONCE):
        block = slice(start, start + QUERIES_AT_ONCE)
        far, near_ids = library.nearest(vectors[block], k + 1)
        near = np.searchsorted(ids, near_ids).astype(np.int32)
        own = np.arange(start, start + len(near_ids), dtype=np.int32)
        rows[block], distances[block] = _without_self(near, far, near_ids >= 0, own)
    return NearTable(rows, distances)


def nearest_among(library: OpenLibrary, vectors: Floats, allowed_ids: Ids, *, k: int) -> NearTable:
    """The k tracks among `allowed_ids` (ascending) that are nearest to vectors [n, size]."""
    k = min(k, len(allowed_ids))
    rows, distances = [], []
    for start in range(0, len(vectors), QUERIES_AT_ONCE):
        far, near_ids = library.nearest(
            vectors[start : start + QUERIES_AT_ONCE], k, allowed_ids=allowed_ids
        )
        near = np.searchsorted(allowed_ids, near_ids).astype(np.int32)
        filled = _filled(near, far, near_ids >= 0)
        rows.append(filled[0])
        distances.append(filled[1])
    return NearTable(np.concatenate(rows), np.concatenate(distances))


def _without_self(
    near: Rows, far: Floats, is_filled: NDArray[np.bool_], own: Rows
) -> tuple[Rows, Floats]:
    """Drop each track from its own list; if copies push it out of the list, drop the last one."""
    is_own = (near == own[:, None]) & is_filled
    is_own[~is_own.any(axis=1), -1] = True
    columns = np.nonzero(~is_own)[1].reshape(len(near), -1)
    return _filled(
        np.take_along_axis(near, columns, axis=1),
        np.take_along_axis(far, columns, axis=1),
        np.take_along_axis(is_filled, columns, axis=1),
    )


def _filled(near: Rows, far: Floats, is_filled: NDArray[np.bool_]) -> tuple[Rows, Floats]:
    """Repeat the last neighbour if an approximate index returned fewer than k."""
    if is_filled.all():
        return near, far
    last = np.maximum(is_filled.sum(axis=1, keepdims=True) - 1, 0)
    columns = np.minimum(np.arange(near.shape[1])[None], last)
    return np.take_along_axis(near, columns, axis=1), np.take_along_axis(far, columns, axis=1)
