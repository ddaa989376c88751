"""A checksum for each row of vectors, verified when the row is first read.

A mapped store of a million tracks has half a gigabyte of exact vectors, and a search reads twenty
of them. So they are not read at opening, as the rest of the file is.

The checksum is the multilinear hash of Lemire and Kaser ("Strongly universal string hashing is
fast", 2014): each 32-bit number times a 64-bit weight of its own, summed modulo 2⁶⁴. Weights are
odd, so damage within one number is always noticed, and any other but once in 2⁶⁴ or so. CRC-32
would need a call for each row, which takes twice as long.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact
from index.vectors.distances import FloatMatrix

ROWS_AT_ONCE = 4096

Checksums = NDArray[np.uint64]


def row_checksums(vectors: FloatMatrix) -> Checksums:
    """The checksum [n] of each of vectors [n, d], which are contiguous."""
    checksums = np.empty(len(vectors), dtype=np.uint64)
    weights = _weights(vectors.shape[1])
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        checksums[rows] = vectors[rows].view(np.uint32).astype(np.uint64) @ weights
    return checksums


class RowChecks:
    """The vectors of a mapped file, with the checksums that were written for them."""

    def __init__(self, vectors: FloatMatrix, checksums: Checksums, *, path: Path) -> None:
        """vectors: float32 [n, d]; checksums: [n]"""
        self.checksums = checksums
        self._path = path
        self._numbers = vectors.view(np.uint32)
        self._weights = _weights(vectors.shape[1])
        self._is_unread = np.ones(len(vectors), dtype=bool)

    def verify(self, rows: NDArray[np.int64]) -> None:
        """Raise CorruptArtefact if one of some rows is not what was written; -1 is no row."""
        unread = rows[self._is_unread[rows]]
        if not unread.size:
            return
        if unread.size > ROWS_AT_ONCE:
            unread = np.unique(unread)
        for start in range(0, len(unread), ROWS_AT_ONCE):
            some = unread[start : start + ROWS_AT_ONCE]
            checksums = self._numbers.take(some, axis=0, mode="wrap").astype(np.uint64)
            checksums = checksums @ self._weights
            if checksums.tobytes() != self.checksums.take(some, mode="wrap").tobytes():
                raise CorruptArtefact(
                    f"{self._path}: a vector's checksum is wrong, so it is damaged"
                )
            self._is_unread[some] = False

    def verify_all(self) -> None:
        """Raise CorruptArtefact if any row is not what was written."""
        self.verify(np.flatnonzero(self._is_unread))


def _weights(size: int) -> Checksums:
    """An odd weight [size] for each number; the same in every version of numpy."""
    weights: Checksums = np.random.PCG64(0).random_raw(size) | np.uint64(1)
    return weights
