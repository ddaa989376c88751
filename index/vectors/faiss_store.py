"""The vectors of a library by track id, in a FAISS index.

The rows of the FAISS index are numbered from 0; `ids` holds the track of each row, -1 for a removed
row. A graph cannot drop its nodes, so a removed row stays in the graph and is left out of every
result. When too many rows are removed, the store is rebuilt.

Results are always ranked and measured by the exact vectors, and a filter always gives k results if
k exist: narrow filters compare all allowed rows, wide filters search the index. Vectors that are
added to a graph or to lists are first kept beside the index and compared one by one, until they are
a fiftieth of it or a few thousand.
"""

from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact, LibraryBusy
from index.vectors.distances import FloatMatrix, Space, nearest
from index.vectors.faiss_part import FaissPart, Rows
from index.vectors.kinds import (
    MIN_SHARE_FOR_GRAPH,
    KindName,
    StoreSettings,
    choose_plan,
    is_outgrown,
)
from index.vectors.layered_part import LayeredPart, Selection
from index.vectors.ranking import measured, padded, with_ties_by_id
from index.vectors.store import NO_TRACK, IdArray, StoreInfo
from index.vectors.store_file import (
    StoreHeader,
    StoreShape,
    StoreSource,
    read_header,
    read_ids,
    read_recent,
    read_row_checksums,
    verified_header,
    write_store_file,
)

MAX_ALLOWED_EXACT = 4096
"""If a filter allows no more rows than this, all of them are compared."""
HYPERBOLIC_CANDIDATES = 8
"""The number of Euclidean neighbours that are measured for each hyperbolic neighbour."""


class FaissStore:
    """The vectors of one model, which can be searched."""

    def __init__(
        self,
        space: Space,
        part: FaissPart,
        *,
        ids: IdArray,
        recent: FloatMatrix | None = None,
        path: Path | None = None,
        header: StoreHeader | None = None,
    ) -> None:
        """path, header: the file that the part is mapped from."""
        self.space = space
        self.plan = part.plan
        self.source = header.source if header else None
        self._ids = ids
        self._layer(part, recent)
        self._path = path
        self._header = header
        # FAISS's inner product of unit vectors is the cosine to the last digit; its squared L2
        # of many queries at once is not exact near 0.
        self._is_measured_by_faiss = space.kind == "cosine"
        # FAISS ranks by Euclidean distance, which misleads near the rim of the ball.
        self._candidates_per_hit = HYPERBOLIC_CANDIDATES if space.kind == "poincare" else 1
        self._forget_derived()

    @classmethod
    def build(
        cls,
        space: Space,
        ids: IdArray,
        *,
        vectors: FloatMatrix,
        settings: StoreSettings | None = None,
    ) -> "FaissStore":
        """A store of vectors [n, d] with ids [n]; its kind depends on their number."""
        vectors = space.to_unit(vectors)
        plan = choose_plan(len(ids), vectors.shape[1], settings or StoreSettings())
        part = FaissPart.build(vectors, plan, inner_product=space.kind == "cosine")
        return cls(space, part, ids=np.array(ids, np.int64))

    @classmethod
    def open(cls, path: Path, space: Space, *, search_effort: int = 0) -> "FaissStore":
        """The store in a file, memory-mapped; raises CorruptArtefact if it is damaged.

        A search or `vectors` raises it too if it reads the vector of a damaged row.
        Raises LibraryBusy if another process replaces the file at the same time.
        """
        header = verified_header(path)
        kinds: dict[str, KindName] = {name: name for name in get_args(KindName)}
        if header.kind not in kinds:
            raise CorruptArtefact(f"{path}: unknown kind of index {header.kind!r}")
        settings = StoreSettings(kinds[header.kind], search_effort=search_effort)
        plan = choose_plan(header.n_rows, header.embedding_size, settings, n_lists=header.n_lists)
        part = FaissPart.read(path, plan)
        n_rows = part.n_rows + header.n_recent
        if (n_rows, part.size) != (header.n_rows, header.embedding_size):
            raise CorruptArtefact(f"{path}: {n_rows} rows, expected {header.n_rows}")
        ids, recent = read_ids(path, header), read_recent(path, header)
        if header.n_exact:
            part.verify_rows_by(read_row_checksums(path, header), path)
        if read_header(path) != header:
            raise LibraryBusy(f"{path}: another process has replaced it. Open it again.")
        return cls(space, part, ids=ids, recent=recent, path=path, header=header)

    def save(self, path: Path, source: StoreSource) -> None:
        """Write the store to a file, which is replaced by one rename."""
        main = self._part.main
        shape = StoreShape(self.plan.kind, main.size, self.plan.n_lists, self.plan.code_bytes)
        self._header = write_store_file(
            path,
            shape,
            source=source,
            write_faiss=main.write,
            exact=main.exact_rows(),
            recent=self._part.recent_vectors(),
            ids=self._ids,
        )
        self.source = source
        self._path = path

    def search(
        self, queries: FloatMatrix, k: int, *, allowed_ids: IdArray | None = None
    ) -> tuple[FloatMatrix, IdArray]:
        """The k nearest to queries [n, d]: distances and ids [n, k], nearest first.

        If fewer than k exist, the rest is infinity and -1.
        """
        queries = self.space.to_unit(queries)
        if allowed_ids is not None:
            rows = self._rows_of(allowed_ids)
            narrow = max(MAX_ALLOWED_EXACT, int(MIN_SHARE_FOR_GRAPH * self._n_alive))
            if len(rows) <= narrow or self.space.kind == "poincare":
                return self._among(queries, rows, k)
            return self._through_index(queries, k, rows=rows)
        if self.space.kind == "poincare" and self.plan.kind == "exact":
            return self._among(queries, self._row_order, k)
        return self._through_index(queries, k, rows=None)

    def ids(self) -> IdArray:
        """The ids of all vectors, ascending."""
        return self._sorted_ids

    def vectors(self, ids: IdArray) -> FloatMatrix:
        """The exact vectors [n, d] of tracks, in their order."""
        wanted_ids = np.asarray(ids, dtype=np.int64)
        rows = self._rows_of(wanted_ids)
        if len(rows) < len(wanted_ids):
            raise KeyError(int(wanted_ids[~np.isin(wanted_ids, self._sorted_ids)][0]))
        return self._part.vectors_at(rows)

    def verify(self) -> None:
        """Read every vector; raises CorruptArtefact if one is not what was written."""
        self._part.main.verify_all_rows()

    def info(self) -> StoreInfo:
        """The kind and size of the store."""
        return StoreInfo(
            kind=self.plan.kind,
            n_vectors=self._n_alive,
            n_removed=len(self._ids) - self._n_alive,
            embedding_size=self._part.main.size,
            search_effort=self.plan.search_effort,
            file_bytes=self._path.stat().st_size if self._path else 0,
            is_memory_mapped=self._part.main.is_mapped,
        )

    def is_outgrown(self, settings: StoreSettings) -> bool:
        """Whether another kind fits better now, or too many rows are removed."""
        too_many_removed = len(self._ids) - self._n_alive > 0.2 * max(len(self._ids), 1)
        return too_many_removed or is_outgrown(
            self.plan, self._n_alive, self._part.main.size, settings=settings
        )

    def add(self, ids: IdArray, vectors: FloatMatrix) -> None:
        """Add vectors [n, d] with ids; vectors with the same ids are replaced."""
        if not len(ids):
            return
        self.remove(ids)
        vectors = self.space.to_unit(vectors)
        if not self._part.add(vectors):
            recent = self._part.recent_vectors()
            main = self._writable()
            main.add(np.concatenate([recent, vectors]))
            self._layer(main, None)
        self._ids = np.concatenate([self._ids, np.asarray(ids, np.int64)])
        self._forget_derived()

    def remove(self, ids: IdArray) -> None:
        """Remove tracks; an unknown id is no error."""
        rows = self._rows_of(np.asarray(ids, dtype=np.int64))
        if not len(rows):
            return
        if self.plan.kind == "exact":
            main = self._writable()
            main.remove(rows)
            self._layer(main, None)
            self._ids = np.delete(self._ids, rows)
        else:
            self._ids = self._ids.copy()
            self._ids[rows] = NO_TRACK
        self._forget_derived()

    def _through_index(
        self, queries: FloatMatrix, k: int, *, rows: Rows | None
    ) -> tuple[FloatMatrix, IdArray]:
        n_possible = self._n_alive if rows is None else len(rows)
        n_wanted = min(k, n_possible)
        if n_wanted == 0:
            return padded(len(queries), k)
        n_candidates = min(n_wanted * self._candidates_per_hit, n_possible)
        selection = self._alive if rows is None else self._part.selection(rows)
        values, hit_rows = self._part.search(queries, n_candidates, selection=selection)
        lowest = int(hit_rows.min())
        if self._is_measured_by_faiss:
            distances = self.space.from_faiss(values)
            if lowest < 0:
                distances[hit_rows < 0] = np.inf
        else:
            distances, hit_rows = measured(self.space, queries, hit_rows, self._part.vectors_at)
        distances, hit_rows = distances[:, :n_wanted], hit_rows[:, :n_wanted]
        distances, ids = with_ties_by_id(distances, self._ids[hit_rows])
        if n_wanted == k and lowest >= 0:
            return distances, ids
        return self._completed(queries, k, rows=rows, hits=(distances, ids, hit_rows))

    def _completed(
        self,
        queries: FloatMatrix,
        k: int,
        *,
        rows: Rows | None,
        hits: tuple[FloatMatrix, IdArray, Rows],
    ) -> tuple[FloatMatrix, IdArray]:
        """Queries with too few hits are answered by comparing all rows."""
        distances, ids = padded(len(queries), k)
        n_columns = hits[0].shape[1]
        distances[:, :n_columns], ids[:, :n_columns] = hits[0], hits[1]
        short = np.flatnonzero((hits[2] < 0).any(axis=1))
        if len(short):
            all_rows = self._row_order if rows is None else rows
            distances[short], ids[short] = self._among(queries[short], all_rows, k)
        return distances, ids

    def _among(self, queries: FloatMatrix, rows: Rows, k: int) -> tuple[FloatMatrix, IdArray]:
        """The exact neighbours among some rows."""
        distances, ids = padded(len(queries), k)
        vectors = self._part.vectors_at(rows)
        track_ids = self._ids[rows]
        for position, query in enumerate(queries):
            near, where = nearest(self.space, query, vectors, k=k)
            distances[position, : len(near)] = near
            ids[position, : len(near)] = track_ids[where]
        return with_ties_by_id(distances, ids)

    def _layer(self, main: FaissPart, recent: FloatMatrix | None) -> None:
        if recent is None:
            recent = np.empty((0, main.size), dtype=np.float32)
        self._part = LayeredPart(main, recent, inner_product=self.space.kind == "cosine")

    def _writable(self) -> FaissPart:
        """The main index in memory, since a mapped file is read-only."""
        main = self._part.main
        if not main.is_mapped or self._path is None or self._header is None:
            return main
        main.verify_all_rows()
        copy = FaissPart.read_into_memory(self._path, self.plan)
        if read_header(self._path) != self._header:
            raise LibraryBusy(f"{self._path}: another process has replaced it. Open it again.")
        return copy

    def _forget_derived(self) -> None:
        order: NDArray[np.int64] = np.argsort(self._ids, kind="stable")
        n_removed = int((self._ids == NO_TRACK).sum())
        self._row_order = order[n_removed:]
        self._sorted_ids = self._ids[self._row_order]
        self._n_alive = len(self._row_order)
        self._alive: Selection | None = self._part.selection(self._row_order) if n_removed else None

    def _rows_of(self, ids: IdArray) -> Rows:
        """The rows of the ids that the store has, in the order of the ids."""
        if not self._n_alive:
            return np.empty(0, dtype=np.int64)
        places = np.minimum(np.searchsorted(self._sorted_ids, ids), self._n_alive - 1)
        rows: Rows = self._row_order[places[self._sorted_ids[places] == ids]]
        return rows
