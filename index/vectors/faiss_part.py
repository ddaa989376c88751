"""The only module that imports faiss: it builds, reads, searches and writes indexes by row number.

FAISS is untyped, so `Any` is used here; all results are NumPy arrays.
"""

from pathlib import Path
from typing import Any

import faiss as untyped_faiss
import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact, StorageError
from index.vectors.distances import FloatMatrix
from index.vectors.kinds import (
    LINKS_PER_VECTOR,
    LINKS_TRIED_PER_VECTOR,
    MIN_SHARE_FOR_GRAPH,
    StorePlan,
)
from index.vectors.row_checks import Checksums, RowChecks, row_checksums
from index.vectors.store_file import ExactRows

faiss: Any = untyped_faiss
"""Its stubs describe the C++ layer, not the Python one over it that is called here."""

GPU_BATCH = 1024
"""From about this many queries on, a GPU saves more time than copying the vectors takes."""
MAX_TRAINING_VECTORS = 262_144

Rows = NDArray[np.int64]


class FaissPart:
    """A FAISS index whose rows are numbered from 0."""

    def __init__(self, raw: object, plan: StorePlan, *, is_mapped: bool = False) -> None:
        self._raw: Any = raw
        self.plan = plan
        self.is_mapped = is_mapped
        self._checks: RowChecks | None = None
        self._view: FloatMatrix | None = None
        self._gpu: Any = None
        self._usual: tuple[int, StorePlan, object] | None = None

    @classmethod
    def build(cls, vectors: FloatMatrix, plan: StorePlan, *, inner_product: bool) -> "FaissPart":
        """An index of the planned kind that holds vectors [n, d]."""
        part = cls.begun(_sample(vectors), plan, inner_product=inner_product)
        part.add(vectors)
        return part

    @classmethod
    def begun(cls, sample: FloatMatrix, plan: StorePlan, *, inner_product: bool) -> "FaissPart":
        """An empty index of the planned kind, fitted to a sample [n, d] of what will be added."""
        metric = faiss.METRIC_INNER_PRODUCT if inner_product else faiss.METRIC_L2
        raw = _empty(sample.shape[1], plan, metric)
        if not plan.keeps_exact_vectors:
            raw = _refined(raw)
        if not raw.is_trained:
            (raw if plan.keeps_exact_vectors else raw.base_index).train(sample)
            raw.is_trained = True
        return cls(raw, plan)

    @classmethod
    def read(cls, path: Path, plan: StorePlan) -> "FaissPart":
        """The index in a file, memory-mapped; with lists, only the exact vectors are mapped."""
        flags = faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY
        try:
            return cls(faiss.read_index(str(path), flags), plan, is_mapped=True)
        except RuntimeError as error:
            raise CorruptArtefact(f"{path}: FAISS cannot read it") from error

    @classmethod
    def read_into_memory(cls, path: Path, plan: StorePlan) -> "FaissPart":
        """The index in a file, loaded into memory, so that it can be changed."""
        return cls(faiss.read_index(str(path)), plan)

    def verify_rows_by(self, checksums: Checksums, path: Path) -> None:
        """Verify each exact vector of the mapped file by a checksum when it is read."""
        self._checks = RowChecks(self.stored_vectors(), checksums, path=path)

    def verify_all_rows(self) -> None:
        """Raise CorruptArtefact if an exact vector is not what was written."""
        if self._checks is not None:
            self._checks.verify_all()

    def exact_rows(self) -> ExactRows | None:
        """The exact vectors, if they are kept apart from what a search walks through.

        Of a mapped file come the checksums that it was opened with: damage stays damage.
        """
        if self.plan.keeps_exact_vectors:
            return None
        vectors = self.stored_vectors()
        checksums = self._checks.checksums if self._checks else row_checksums(vectors)
        return ExactRows(vectors, checksums)

    def write(self, path: Path) -> None:
        """Write it to a file; raises StorageError if the file cannot be written."""
        try:
            faiss.write_index(self._raw, str(path))
        except RuntimeError as error:
            raise StorageError(f"{path}: could not be written. Is the disk full?") from error

    @property
    def n_rows(self) -> int:
        """The number of rows, including removed rows if the kind keeps them."""
        return int(self._raw.ntotal)

    @property
    def size(self) -> int:
        """The number of values in a vector."""
        return int(self._raw.d)

    def search(
        self, queries: FloatMatrix, k: int, *, selector: object = None, share: float = 1.0
    ) -> tuple[FloatMatrix, Rows]:
        """FAISS's own values and rows [n, k], best first; -1 if a row is missing.

        share: the share of all rows that the selector allows.
        """
        if selector is None and len(queries) >= GPU_BATCH and self._moved_to_gpu():
            values, rows = self._gpu.search(queries, k)
            return values, rows
        usual = selector is None
        parameters = self._usual_parameters(k) if usual else self._parameters(k, selector, share)
        if self._checks is None:
            values, rows = self._raw.search(queries, k, params=parameters)
            return values, rows
        # All candidates come back, because a damaged one might fall behind the k-th.
        n_candidates = k * self.plan.candidates_per_hit
        values, rows = self._raw.search(queries, n_candidates, params=parameters)
        self._checks.verify(rows)
        return values[:, :k], rows[:, :k]

    def _usual_parameters(self, k: int) -> object:
        """The cached parameters of an unfiltered search: making them takes as long as a walk."""
        usual = self._usual
        if usual is None or usual[0] != k or usual[1] is not self.plan:
            self._usual = usual = (k, self.plan, self._parameters(k, None, 1.0))
        return usual[2]

    def _parameters(self, k: int, selector: object, share: float) -> object:
        effort = self.plan.search_effort
        parameters: object = None
        if self.plan.kind.startswith("hnsw"):
            # A filtered walk must visit 1/share times as many rows to see as many allowed ones.
            wide = int(
                max(effort, k * self.plan.candidates_per_hit) / max(share, MIN_SHARE_FOR_GRAPH)
            )
            parameters = faiss.SearchParametersHNSW(efSearch=wide, sel=selector)
        elif self.plan.kind.startswith("ivf"):
            lists = min(int(effort / max(share, 0.1)), self.plan.n_lists)
            parameters = faiss.SearchParametersIVF(nprobe=lists, sel=selector)
        elif selector is not None:
            parameters = faiss.SearchParameters(sel=selector)
        if self.plan.keeps_exact_vectors:
            return parameters
        refined: object = faiss.IndexRefineSearchParameters(
            k_factor=1.0 if self._checks else float(self.plan.candidates_per_hit),
            base_index_params=parameters,
        )
        return refined

    def vectors_at(self, rows: Rows) -> FloatMatrix:
        """The exact vectors [n, d] of rows, as a copy; raises CorruptArtefact for a damaged one."""
        if self._checks is not None:
            self._checks.verify(rows)
        vectors: FloatMatrix = self.stored_vectors()[rows]
        return vectors

    def add(self, vectors: FloatMatrix) -> None:
        """Append rows."""
        self._raw.add(vectors)
        self._forget_derived()

    def remove(self, rows: Rows) -> None:
        """Remove rows and close the gaps; only the kind `exact` supports this."""
        self._raw.remove_ids(np.sort(rows))
        self._forget_derived()

    def stored_vectors(self) -> FloatMatrix:
        """The exact vectors [rows, d], without a copy; those of a mapped file are not verified."""
        if self.n_rows == 0:
            return np.empty((0, self.size), dtype=np.float32)
        if self._view is None:
            flat: Any = self._raw
            if self.plan.kind == "hnsw":
                flat = faiss.downcast_index(self._raw.storage)
            elif not self.plan.keeps_exact_vectors:
                flat = faiss.downcast_index(self._raw.refine_index)
            n_values = self.n_rows * self.size
            values: NDArray[np.float32] = faiss.rev_swig_ptr(flat.get_xb(), n_values)
            self._view = values.reshape(self.n_rows, self.size)
        return self._view

    def _forget_derived(self) -> None:
        self._view = None
        self._gpu = None

    def _moved_to_gpu(self) -> bool:
        """Whether a copy of the exact vectors is on a GPU; the first call makes it."""
        if faiss.get_num_gpus() == 0:
            return False
        if self._gpu is None:
            self.verify_all_rows()
            flat = faiss.IndexFlat(self.size, self._raw.metric_type)
            flat.add(self.stored_vectors())
            self._gpu = faiss.index_cpu_to_all_gpus(flat)
        return True


def selector_of(rows: Rows, n_rows: int) -> object:
    """A FAISS selector that allows only these rows, as one bit per row."""
    is_allowed = np.zeros(n_rows, dtype=bool)
    is_allowed[rows] = True
    selector: object = faiss.IDSelectorBitmap(np.packbits(is_allowed, bitorder="little"))
    return selector


def _empty(size: int, plan: StorePlan, metric: int) -> Any:
    if plan.kind == "exact":
        return faiss.IndexFlat(size, metric)
    if plan.kind.startswith("hnsw"):
        if plan.kind == "hnsw":
            graph = faiss.IndexHNSWFlat(size, LINKS_PER_VECTOR, metric)
        else:
            one_byte = faiss.ScalarQuantizer.QT_8bit
            graph = faiss.IndexHNSWSQ(size, one_byte, LINKS_PER_VECTOR, metric)
        graph.hnsw.efConstruction = LINKS_TRIED_PER_VECTOR
        return graph
    coarse = faiss.IndexFlat(size, metric)
    if plan.kind == "ivf-sq8":
        one_byte = faiss.ScalarQuantizer.QT_8bit
        lists = faiss.IndexIVFScalarQuantizer(coarse, size, plan.n_lists, one_byte, metric)
    else:
        lists = faiss.IndexIVFPQ(coarse, size, plan.n_lists, plan.code_bytes, 8, metric)
    lists.cp.niter = 10
    lists.cp.max_points_per_centroid = 128
    lists.cp.min_points_per_centroid = 1  # fewer than FAISS likes are no reason to warn users
    lists.own_fields = True
    coarse.this.disown()
    return lists


def _refined(codes: Any) -> Any:
    """An index of codes that stores the exact vectors too; FAISS ranks the hits by them."""
    refined = faiss.IndexRefineFlat(codes)
    codes.this.disown()
    refined.own_fields = True
    return refined


def sampled_rows(n_vectors: int) -> Rows:
    """The vectors that lists and codes are fitted to; the choice is always the same."""
    if n_vectors <= MAX_TRAINING_VECTORS:
        return np.arange(n_vectors)
    chosen = np.random.default_rng(0).choice(n_vectors, MAX_TRAINING_VECTORS, replace=False)
    return np.sort(chosen)


def _sample(vectors: FloatMatrix) -> FloatMatrix:
    if len(vectors) <= MAX_TRAINING_VECTORS:
        return vectors
    sample: FloatMatrix = vectors[sampled_rows(len(vectors))]
    return sample
