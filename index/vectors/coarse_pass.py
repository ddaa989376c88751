"""A quick first pass over many exact vectors: one byte for each value, a third of the time.

    all rows, coarse ─▶ rows that may be among the k nearest ─▶ the k nearest by their exact values

The coarse inner products differ from the exact ones by at most a known error, so the k nearest are
always among the candidates: the result is that of comparing all exact vectors.
"""

import threading

import numpy as np

from index.vectors.distances import FloatMatrix
from index.vectors.faiss_part import FaissPart, Rows, faiss

FEWEST_ROWS = 20_000
"""Fewer exact vectors are compared in less than a millisecond."""
MOST_QUERIES = 16
"""More queries at once are compared as a product of matrices, which is faster."""
SEARCHES_BEFORE = 8
"""Preparing the pass takes as long as some searches."""
MOST_BYTE = 127
FIRST_CANDIDATES = 256
GROWTH = 8
MOST_CANDIDATES_SHARE = 0.05
"""With more candidates than this share of all rows, the pass saves nothing."""
BLOCK_ROWS = 16_384


class CoarsePass:
    """The pass over the rows of an exact part, prepared after some searches of few queries."""

    def __init__(self, main: FaissPart) -> None:
        self._main = main
        self._is_fit = main.plan.kind == "exact" and main.n_rows >= FEWEST_ROWS
        self._rows: CoarseRows | None = None
        self._n_searches = 0
        self._preparing = threading.Lock()

    def search(self, queries: FloatMatrix, k: int) -> tuple[FloatMatrix, Rows] | None:
        """The k largest inner products with queries [m, d] and their rows; None: compare all."""
        if not self._is_fit or len(queries) > MOST_QUERIES:
            return None
        self._n_searches += 1
        if self._rows is None:
            if self._n_searches < SEARCHES_BEFORE:
                return None
            with self._preparing:
                self._rows = self._rows or CoarseRows(self._main.stored_vectors())
        best_values = np.empty((len(queries), k), dtype=np.float32)
        best_rows = np.empty((len(queries), k), dtype=np.int64)
        for place, query in enumerate(queries):
            rows = self._rows.candidates(query, k)
            if rows is None:
                return None
            exact = faiss.IndexFlatIP(len(query))
            exact.add(self._main.vectors_at(rows))
            values, where = exact.search(query[None], k)
            best_values[place], best_rows[place] = values[0], rows[where[0]]
        return best_values, best_rows


class CoarseRows:
    """Vectors [n, d] in one byte for each value, as products of whole numbers are quick."""

    def __init__(self, vectors: FloatMatrix) -> None:
        self._n_rows = len(vectors)
        n_rows, size = vectors.shape
        blocks = [slice(start, start + BLOCK_ROWS) for start in range(0, n_rows, BLOCK_ROWS)]
        largest = max(float(np.abs(vectors[block]).max()) for block in blocks)
        self._step = np.float32(max(largest, 1e-12) / MOST_BYTE)
        kind = faiss.ScalarQuantizer.QT_8bit_direct_signed
        self._codes = faiss.IndexScalarQuantizer(size, kind, faiss.METRIC_INNER_PRODUCT)
        self._error = self._longest = 0.0
        for block in blocks:
            codes = np.rint(vectors[block] / self._step).astype(np.float32)
            self._codes.add(codes)
            missed = np.linalg.norm(vectors[block] - codes * self._step, axis=1)
            self._error = max(self._error, float(missed.max()))
            self._longest = max(self._longest, float(np.linalg.norm(vectors[block], axis=1).max()))

    def candidates(self, query: FloatMatrix, k: int) -> Rows | None:
        """Rows that have the k largest inner products with a query [d] among them, ascending.

        None: too many rows may be among them.
        """
        query_step = np.float32(max(float(np.abs(query).max()), 1e-12) / MOST_BYTE)
        codes = np.rint(query / query_step).astype(np.float32)
        missed = float(np.linalg.norm(query - codes * query_step))
        error = missed * self._longest + float(np.linalg.norm(codes * query_step)) * self._error
        # Twice: the k-th may be less than it seems, and another one more.
        margin = 2 * error / float(self._step * query_step) + 1.0
        n_candidates = max(FIRST_CANDIDATES, 2 * k)
        while n_candidates < MOST_CANDIDATES_SHARE * self._n_rows:
            values, rows = self._codes.search(codes[None], n_candidates)
            is_possible = values[0] >= values[0, k - 1] - margin
            if not is_possible[-1]:
                possible: Rows = np.sort(rows[0][is_possible])
                return possible
            n_candidates *= GROWTH
        return None
