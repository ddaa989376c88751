"""Search among the rows of a table's version, without those that are hidden."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact
from index.vectors.distances import FloatMatrix, Space, nearest
from index.vectors.faiss_store import HYPERBOLIC_CANDIDATES, MAX_ALLOWED_EXACT
from index.vectors.kinds import MIN_SHARE_FOR_GRAPH, StoreSettings
from index.vectors.lance_part import LanceTable
from index.vectors.lance_plan import plan_of_kind
from index.vectors.lance_pointer import LancePointer
from index.vectors.lance_rows import TableRows
from index.vectors.ranking import padded, with_ties_by_id
from index.vectors.row_checks import ROWS_AT_ONCE, row_checksums
from index.vectors.store import IdArray

Places = NDArray[np.int64]
"""Positions among the rows by id."""
SPARE = 1.5
"""Chance leaves fewer rows of a filter near a query than its share of all rows."""
N_WIDER = 3
"""How often a search that found too few rows is tried with four times the candidates."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """The rows that a search may return. is_allowed: [n], None for all of them."""

    n_possible: int
    is_allowed: NDArray[np.bool_] | None


class TableSearch:
    """The rows of a version by id, and the search among them."""

    def __init__(
        self,
        space: Space,
        table: LanceTable,
        rows: TableRows,
        *,
        pointer: LancePointer,
        settings: StoreSettings,
    ) -> None:
        self.rows = rows
        self.is_hidden = np.zeros(len(rows.ids), dtype=bool)
        self.n_hidden = 0
        size = pointer.embedding_size
        self.plan = plan_of_kind(pointer.kind, pointer.n_placed, size, settings)
        self._space = space
        self._table = table
        self._size = size
        self._per_hit = self.plan.candidates_per_hit
        if space.kind == "poincare":  # Euclidean distance misleads near the rim of the ball
            self._per_hit = max(self._per_hit, HYPERBOLIC_CANDIDATES)
        self._by_row_id = np.argsort(rows.row_ids)
        self._sorted_row_ids = rows.row_ids[self._by_row_id]

    @property
    def n_visible(self) -> int:
        """The number of rows that can be found."""
        return len(self.rows.ids) - self.n_hidden

    def visible_ids(self) -> IdArray:
        """The ids of the rows that can be found, ascending."""
        return self.rows.ids[~self.is_hidden]

    def hide(self, ids: IdArray) -> None:
        """Find these tracks no longer; an unknown id is no error."""
        self.is_hidden[self._places_of(ids)] = True
        self.n_hidden = int(self.is_hidden.sum())

    def vectors(self, ids: IdArray) -> FloatMatrix:
        """The verified vectors [n, d] of visible tracks, in their order; raises KeyError."""
        places = self._places_of(ids)
        places = places[~self.is_hidden[places]]
        if len(places) < len(ids):
            raise KeyError(int(ids[~np.isin(ids, self.rows.ids[places])][0]))
        return self._vectors_at(places)

    def verify(self) -> None:
        """Read every vector; raises CorruptArtefact if one is not what was written."""
        for start in range(0, len(self.rows.ids), 16 * ROWS_AT_ONCE):
            stop = min(start + 16 * ROWS_AT_ONCE, len(self.rows.ids))
            self._vectors_at(np.arange(start, stop))

    def search(
        self, queries: FloatMatrix, k: int, *, allowed_ids: IdArray | None
    ) -> tuple[FloatMatrix, IdArray]:
        """The k nearest visible rows to unit queries [n, d]: distances and ids [n, k]."""
        distances, ids = padded(len(queries), k)
        wanted = Wanted(self.n_visible, None)
        if allowed_ids is not None:
            places = self._places_of(allowed_ids)
            places = places[~self.is_hidden[places]]
            narrow = max(MAX_ALLOWED_EXACT, int(MIN_SHARE_FOR_GRAPH * self.n_visible))
            if len(places) <= narrow or self._space.kind == "poincare":
                return self._among(queries, places, k)
            wanted = Wanted(len(places), self._mask(places))
        elif self.n_hidden:
            wanted = Wanted(self.n_visible, ~self.is_hidden)
        for row, query in enumerate(queries):
            near, near_ids = self._near(query, min(k, wanted.n_possible), wanted)
            distances[row, : len(near)] = near
            ids[row, : len(near)] = near_ids
        return with_ties_by_id(distances, ids)

    def _near(self, query: FloatMatrix, k: int, wanted: Wanted) -> tuple[FloatMatrix, IdArray]:
        """The k nearest allowed rows to one query."""
        if wanted.is_allowed is None:
            n, n_probes = min(k * self._per_hit, wanted.n_possible), self._probes(1.0)
            hit_ids, vectors = self._table.near_with_vectors(query, n, n_probes)
            places = self._known(hit_ids)
            self._verify(places, vectors)
        else:
            places = self._candidates(query, k, wanted)
            vectors = self._vectors_at(places)
        if len(places) < k:
            all_places = np.flatnonzero(~self.is_hidden)
            if wanted.is_allowed is not None:
                all_places = np.flatnonzero(wanted.is_allowed)
            distances, ids = self._among(query[None], all_places, k)
            return distances[0], ids[0]
        measures = self._space.between(query, vectors)
        order = np.lexsort((self.rows.ids[places], measures))[:k]
        return measures[order], self.rows.ids[places[order]]

    def _candidates(self, query: FloatMatrix, k: int, wanted: Wanted) -> Places:
        """Allowed rows that are near by the codes of the index; fewer than k if it has no more."""
        n_rows = len(self.rows.ids)
        share = wanted.n_possible / n_rows
        n = int(SPARE * k * self._per_hit / share) + 1
        places: Places = np.empty(0, dtype=np.int64)
        for _ in range(N_WIDER):
            row_ids = self._table.near(query, min(n, n_rows), self._probes(share))
            places = self._places_of_rows(row_ids)
            if wanted.is_allowed is not None:
                places = places[wanted.is_allowed[places]]
            if len(places) >= k or n >= n_rows:
                break
            n, share = 4 * n, share / 4
        return places[: k * self._per_hit]

    def _probes(self, share: float) -> int:
        """The number of lists to read: more of them if a filter leaves a small share of rows."""
        probes = int(self.plan.n_probes / max(share, 0.02))
        return max(min(probes, self.plan.n_lists), 1)

    def _among(self, queries: FloatMatrix, places: Places, k: int) -> tuple[FloatMatrix, IdArray]:
        """The exact neighbours among some rows."""
        distances, ids = padded(len(queries), k)
        vectors = self._vectors_at(places)
        for row, query in enumerate(queries):
            near, where = nearest(self._space, query, vectors, k=k)
            distances[row, : len(near)] = near
            ids[row, : len(near)] = self.rows.ids[places[where]]
        return with_ties_by_id(distances, ids)

    def _vectors_at(self, places: Places) -> FloatMatrix:
        vectors = self._table.vectors_at(self.rows.row_ids[places], self._size)
        self._verify(places, vectors)
        return vectors

    def _verify(self, places: Places, vectors: FloatMatrix) -> None:
        checksums = row_checksums(np.ascontiguousarray(vectors))
        if (checksums != self.rows.checksums[places]).any():
            raise CorruptArtefact(
                f"{self._table.place}: a vector's checksum is wrong, so it is damaged"
            )

    def _mask(self, places: Places) -> NDArray[np.bool_]:
        mask = np.zeros(len(self.rows.ids), dtype=bool)
        mask[places] = True
        return mask

    def _places_of(self, ids: IdArray) -> Places:
        """The places of the ids that the table has, in their order."""
        n_rows = len(self.rows.ids)
        if not n_rows:
            return np.empty(0, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.rows.ids, ids), n_rows - 1)
        found: Places = places[self.rows.ids[places] == ids]
        return found

    def _known(self, ids: IdArray) -> Places:
        places = self._places_of(ids)
        if len(places) < len(ids):
            raise CorruptArtefact(f"{self._table.place}: a search gave rows that it has not")
        return places

    def _places_of_rows(self, row_ids: NDArray[np.uint64]) -> Places:
        sorted_ids = self._sorted_row_ids
        where = np.minimum(np.searchsorted(sorted_ids, row_ids), len(sorted_ids) - 1)
        if (sorted_ids[where] != row_ids).any():
            raise CorruptArtefact(f"{self._table.place}: a search gave rows that it has not")
        places: Places = self._by_row_id[where]
        return places
