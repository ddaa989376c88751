"""The neighbours of every vector at once: many times cheaper than so many searches.

Vectors are sorted into cells (k-means) and each is compared with those of the nearest cells: as
many as it takes for a sample to find all but one in a thousand of its true neighbours. Where that
would take a quarter of all cells, it says that comparing everything is the better way.
"""

import faiss
import numpy as np
from numpy.typing import NDArray

from index.vectors.distances import FloatMatrix, Space

MIN_VECTORS = 16_384
"""With fewer, all are soon compared with all."""
VECTORS_PER_CELL = 200
TRAINED_PER_CELL = 64
TRAINING_ROUNDS = 8
FEWEST_CELLS = 8
SAMPLE_VECTORS = 256
LEAST_FOUND = 0.999
QUERIES_AT_ONCE = 8192

Positions = NDArray[np.int64]


def nearest_of_each(
    vectors: FloatMatrix, k: int, *, space: Space, seed: int = 0
) -> tuple[FloatMatrix, Positions] | None:
    """Distances and positions [n, k] of the k nearest of each of vectors [n, d], nearest first, as
    they are compared (`Space.to_unit`); itself is among them.

    None for a geometry or vectors that do not fall into cells, and for few of them.
    """
    n_vectors = len(vectors)
    if n_vectors < MIN_VECTORS or space.kind == "poincare":
        return None
    rng = np.random.default_rng(seed)
    cells = _cells(vectors, space, rng)
    if not _open_enough(cells, vectors, k, space=space, rng=rng):
        return None
    # Neighbours in a row look into the same cells, which are then at hand.
    order = np.argsort(cells.quantizer.search(vectors, 1)[1][:, 0], kind="stable")
    distances = np.empty((n_vectors, k), dtype=np.float32)
    positions = np.empty((n_vectors, k), dtype=np.int64)
    for start in range(0, n_vectors, QUERIES_AT_ONCE):
        rows = order[start : start + QUERIES_AT_ONCE]
        values, positions[rows] = cells.search(vectors[rows], k)
        distances[rows] = space.from_faiss(values)
    return distances, positions


def _cells(vectors: FloatMatrix, space: Space, rng: np.random.Generator) -> faiss.IndexIVFFlat:
    n_vectors, size = vectors.shape
    n_cells = n_vectors // VECTORS_PER_CELL
    is_cosine = space.kind == "cosine"
    coarse = faiss.IndexFlatIP(size) if is_cosine else faiss.IndexFlatL2(size)
    metric = faiss.METRIC_INNER_PRODUCT if is_cosine else faiss.METRIC_L2
    cells = faiss.IndexIVFFlat(coarse, size, n_cells, metric)
    cells.cp.niter, cells.cp.seed = TRAINING_ROUNDS, int(rng.integers(1 << 30))
    n_trained = min(n_cells * TRAINED_PER_CELL, n_vectors)
    cells.train(vectors[np.sort(rng.choice(n_vectors, n_trained, replace=False))])
    cells.add(vectors)
    return cells


def _open_enough(
    cells: faiss.IndexIVFFlat,
    vectors: FloatMatrix,
    k: int,
    *,
    space: Space,
    rng: np.random.Generator,
) -> bool:
    """Look into as many cells as a sample's true neighbours need; whether so few are enough."""
    sample = vectors[rng.choice(len(vectors), SAMPLE_VECTORS, replace=False)]
    # Found is what is no farther than the farthest true neighbour: twins stand for each other.
    farthest = np.array([np.partition(space.between(one, vectors), k - 1)[k - 1] for one in sample])
    cells.nprobe = FEWEST_CELLS
    while cells.nprobe <= cells.nlist // 4:
        values, positions = cells.search(sample, k)
        is_near = space.from_faiss(values) <= farthest[:, None] * (1 + 1e-4) + 1e-6
        if (is_near & (positions >= 0)).mean() >= LEAST_FOUND:
            return True
        cells.nprobe *= 2
    return False
