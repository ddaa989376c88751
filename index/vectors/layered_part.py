"""A FAISS index of many rows, and a few newer ones behind it that are compared one by one.

    rows   0 ……………………………………………… n-1 │ n … n+m
           main, mapped from its file │ recent, exact, in memory

Changing a graph or lists of a million rows takes seconds: they are read into memory and written
again. So new rows are kept apart until there are enough of them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.vectors.coarse_pass import CoarsePass
from index.vectors.distances import FloatMatrix
from index.vectors.faiss_part import FaissPart, Rows, selector_of
from index.vectors.kinds import StorePlan

MAX_RECENT = 4096
"""Comparing this many takes about as long as a search in a graph of a million."""
MAX_RECENT_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that a search may return, as FAISS selectors."""

    n_main: int
    n_recent: int
    main: object
    recent: object


class LayeredPart:
    """Rows numbered from 0, the recent ones last."""

    def __init__(self, main: FaissPart, recent: FloatMatrix, *, inner_product: bool) -> None:
        """recent: float32 [m, d]"""
        self.main = main
        self._inner_product = inner_product
        self._recent = self._exact_part(recent)
        self._coarse = CoarsePass(main) if inner_product else None

    @property
    def n_rows(self) -> int:
        """The number of rows in both, with removed rows if the kind keeps them."""
        return self.main.n_rows + self.n_recent

    @property
    def n_recent(self) -> int:
        """The number of recent rows."""
        return self._recent.n_rows if self._recent else 0

    def selection(self, rows: Rows) -> Selection:
        """A selection of these rows."""
        n_main, n_recent = self.main.n_rows, self.n_recent
        is_main = rows < n_main
        old, new = rows[is_main], rows[~is_main] - n_main
        return Selection(len(old), len(new), selector_of(old, n_main), selector_of(new, n_recent))

    def search(
        self, queries: FloatMatrix, k: int, *, selection: Selection | None = None
    ) -> tuple[FloatMatrix, Rows]:
        """FAISS's own values and rows [n, k], best first; -1 if a row was not reached."""
        if self._recent is None:
            if selection is None:
                nearest = self._coarse.search(queries, k) if self._coarse else None
                return nearest or self.main.search(queries, k)
            share = selection.n_main / self.main.n_rows
            return self.main.search(queries, k, selector=selection.main, share=share)
        every = selection or Selection(self.main.n_rows, self.n_recent, None, None)
        n_new = min(k, every.n_recent)
        if every.n_main == 0:
            values, rows = self._recent.search(queries, k, selector=every.recent)
            return values, rows + self.main.n_rows * (rows >= 0)
        share = every.n_main / self.main.n_rows
        n_old = min(k, every.n_main)
        values, rows = self.main.search(queries, n_old, selector=every.main, share=share)
        if n_new == 0:
            return values, rows
        new_values, new_rows = self._recent.search(queries, n_new, selector=every.recent)
        # If the graph missed rows, they may be nearer than the recent rows that would take their
        # places, so no recent row does.
        new_rows = np.where(rows.min(axis=1, keepdims=True) < 0, -1, new_rows + self.main.n_rows)
        values = np.concatenate([values, new_values], axis=1)
        rows = np.concatenate([rows, new_rows], axis=1)
        order = np.argsort(-values if self._inner_product else values, axis=1, kind="stable")
        order = order[:, :k]
        return np.take_along_axis(values, order, 1), np.take_along_axis(rows, order, 1)

    def add(self, vectors: FloatMatrix) -> bool:
        """Append rows [n, d] to the recent ones; False, and no change, if there is no room."""
        room = min(MAX_RECENT, int(MAX_RECENT_SHARE * self.main.n_rows)) - self.n_recent
        if self.main.plan.kind == "exact" or len(vectors) > room:
            return False
        if self._recent is None:
            self._recent = self._exact_part(vectors)
        else:
            self._recent.add(vectors)
        return True

    def recent_vectors(self) -> FloatMatrix:
        """The recent rows [m, d]."""
        if self._recent is None:
            return np.empty((0, self.main.size), dtype=np.float32)
        return self._recent.stored_vectors()

    def vectors_at(self, rows: NDArray[np.int64]) -> FloatMatrix:
        """The exact vectors [len(rows), d] of rows, as a copy."""
        if self._recent is None:
            return self.main.vectors_at(rows)
        is_recent = rows >= self.main.n_rows
        vectors: FloatMatrix = np.empty((len(rows), self.main.size), dtype=np.float32)
        vectors[~is_recent] = self.main.vectors_at(rows[~is_recent])
        vectors[is_recent] = self.recent_vectors()[rows[is_recent] - self.main.n_rows]
        return vectors

    def _exact_part(self, vectors: FloatMatrix) -> FaissPart | None:
        if not len(vectors):
            return None
        plan = StorePlan("exact")
        return FaissPart.build(vectors, plan, inner_product=self._inner_product)
