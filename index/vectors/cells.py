"""Vectors in cells, for searches that compare every vector with those near it."""

from typing import Any

from index.vectors.distances import FloatMatrix
from index.vectors.faiss_part import Rows, faiss


class FaissCells:
    """Vectors sorted into cells (k-means), numbered from 0; a search opens the nearest cells."""

    def __init__(
        self,
        vectors: FloatMatrix,
        n_cells: int,
        *,
        trained: FloatMatrix,
        n_rounds: int,
        seed: int,
        inner_product: bool,
    ) -> None:
        """Cells of vectors [n, d], placed by k-means over `trained` [m, d]."""
        size = vectors.shape[1]
        metric = faiss.METRIC_INNER_PRODUCT if inner_product else faiss.METRIC_L2
        self.n_cells = n_cells
        self._coarse: Any = faiss.IndexFlat(size, metric)
        self._raw: Any = faiss.IndexIVFFlat(self._coarse, size, n_cells, metric)
        self._raw.cp.niter, self._raw.cp.seed = n_rounds, seed
        self._raw.train(trained)
        self._raw.add(vectors)

    @property
    def n_opened(self) -> int:
        """The number of cells that a search opens."""
        return int(self._raw.nprobe)

    @n_opened.setter
    def n_opened(self, value: int) -> None:
        self._raw.nprobe = value

    def cell_of(self, vectors: FloatMatrix) -> Rows:
        """The cell [n] that each of vectors [n, d] belongs to."""
        cells: Rows = self._coarse.search(vectors, 1)[1][:, 0]
        return cells

    def search(self, queries: FloatMatrix, k: int) -> tuple[FloatMatrix, Rows]:
        """FAISS's own values and positions [n, k], best first; -1 if a row is missing."""
        values, rows = self._raw.search(queries, k)
        return values, rows
