"""The true neighbours of every track, in the full space: what a map is made from and judged by."""

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
    """Who is near whom, the track itself left out, nearest first.

    rows: int32 [tracks, k], positions in the list of tracks; distances: float32 [tracks, k]
    """

    rows: Rows
    distances: Floats

    @property
    def k(self) -> int:
        """How many neighbours each track has."""
        return int(self.rows.shape[1])

    def first(self, k: int) -> "NearTable":
        """Only the k nearest."""
        return NearTable(
            np.ascontiguousarray(self.rows[:, :k]), np.ascontiguousarray(self.distances[:, :k])
        )


def near_table(library: OpenLibrary, ids: Ids, vectors: Floats, *, k: int) -> NearTable:
    """The k nearest (or all others, where there are fewer) of the library's own tracks.

    ids: all that the library's store holds, ascending; vectors: [tracks, size], theirs. In a
    large library one neighbour in a thousand may be missing, and the next one stands for it.
    """
    k = min(k, len(ids) - 1)
    rows = np.empty((len(ids), k), dtype=np.int32)
    distances = np.empty((len(ids), k), dtype=np.float32)
    at_once = nearest_of_each(vectors, k + 1, space=library.space) if k > 0 else None
    if at_once is not None:
        far, found = at_once
        own = np.arange(len(ids), dtype=np.int32)
        return NearTable(*_without_self(found.astype(np.int32), far, found >= 0, own))
    for start in range(0, len(ids) if k > 0 else 0, QUERIES_AT_ONCE):
        block = slice(start, start + QUERIES_AT_ONCE)
        far, found = library.nearest(vectors[block], k + 1)
        places = np.searchsorted(ids, found).astype(np.int32)
        own = np.arange(start, start + len(found), dtype=np.int32)
        rows[block], distances[block] = _without_self(places, far, found >= 0, own)
    return NearTable(rows, distances)


def nearest_among(library: OpenLibrary, vectors: Floats, known_ids: Ids, *, k: int) -> NearTable:
    """The k tracks among `known_ids` (ascending) that are nearest to vectors [n, size]."""
    k = min(k, len(known_ids))
    rows, distances = [], []
    for start in range(0, len(vectors), QUERIES_AT_ONCE):
        far, found = library.nearest(
            vectors[start : start + QUERIES_AT_ONCE], k, allowed_ids=known_ids
        )
        places = np.searchsorted(known_ids, found).astype(np.int32)
        filled = _filled(places, far, found >= 0)
        rows.append(filled[0])
        distances.append(filled[1])
    return NearTable(np.concatenate(rows), np.concatenate(distances))


def _without_self(
    places: Rows, far: Floats, is_found: NDArray[np.bool_], own: Rows
) -> tuple[Rows, Floats]:
    """Drop each track from its own list; where copies crowd it out, drop the last instead."""
    is_own = (places == own[:, None]) & is_found
    is_own[~is_own.any(axis=1), -1] = True
    kept = np.nonzero(~is_own)[1].reshape(len(places), -1)
    return _filled(
        np.take_along_axis(places, kept, axis=1),
        np.take_along_axis(far, kept, axis=1),
        np.take_along_axis(is_found, kept, axis=1),
    )


def _filled(places: Rows, far: Floats, is_found: NDArray[np.bool_]) -> tuple[Rows, Floats]:
    """An approximate index may return fewer than asked for: then the last hit stands in again."""
    if is_found.all():
        return places, far
    last = np.maximum(is_found.sum(axis=1, keepdims=True) - 1, 0)
    column = np.minimum(np.arange(places.shape[1])[None], last)
    return np.take_along_axis(places, column, axis=1), np.take_along_axis(far, column, axis=1)
