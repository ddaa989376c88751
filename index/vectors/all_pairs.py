"""The neighbours of every vector at once, many times cheaper than one search for each.

Vectors are sorted into cells (k-means), and each is compared with those of the nearest cells. The
number of cells is doubled until a sample finds 999 of 1000 true neighbours. If that takes more
than a quarter of all cells, comparing all vectors with all is the better way.
"""

import numpy as np
from numpy.typing import NDArray

from index.vectors.cells import FaissCells
from index.vectors.distances import FloatMatrix, Space

MIN_VECTORS = 16_384
"""With fewer, comparing all with all is quick enough."""
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
    """Distances and positions [n, k] of the k nearest of each of vectors [n, d], nearest first.

    The vectors are as `Space.to_unit` returns them; each is among its own neighbours. None for
    few vectors, and if cells do not help.
    """
    n_vectors = len(vectors)
    if n_vectors < MIN_VECTORS or space.kind == "poincare":
        return None
    rng = np.random.default_rng(seed)
    cells = _cells(vectors, space, rng)
    if not _open_enough(cells, vectors, k, space=space, rng=rng):
        return None
    # Vectors of one cell are searched together: they open the same cells, which stay in cache.
    order = np.argsort(cells.cell_of(vectors), kind="stable")
    distances = np.empty((n_vectors, k), dtype=np.float32)
    positions = np.empty((n_vectors, k), dtype=np.int64)
    for start in range(0, n_vectors, QUERIES_AT_ONCE):
        rows = order[start : start + QUERIES_AT_ONCE]
        values, positions[rows] = cells.search(vectors[rows], k)
        distances[rows] = space.from_faiss(values)
    return distances, positions


def _cells(vectors: FloatMatrix, space: Space, rng: np.random.Generator) -> FaissCells:
    n_vectors = len(vectors)
    n_cells = n_vectors // VECTORS_PER_CELL
    seed = int(rng.integers(1 << 30))
    n_trained = min(n_cells * TRAINED_PER_CELL, n_vectors)
    trained = vectors[np.sort(rng.choice(n_vectors, n_trained, replace=False))]
    return FaissCells(
        vectors,
        n_cells,
        trained=trained,
        n_rounds=TRAINING_ROUNDS,
        seed=seed,
        inner_product=space.kind == "cosine",
    )


def _open_enough(
    cells: FaissCells,
    vectors: FloatMatrix,
    k: int,
    *,
    space: Space,
    rng: np.random.Generator,
) -> bool:
    """Open as many cells as a sample needs; false if it needs more than a quarter of them."""
    sample = vectors[rng.choice(len(vectors), SAMPLE_VECTORS, replace=False)]
    # A hit counts if it is no farther than the k-th true neighbour: equal distances are alike.
    farthest = np.array(
        [np.partition(space.between(query, vectors), k - 1)[k - 1] for query in sample]
    )
    cells.n_opened = FEWEST_CELLS
    while cells.n_opened <= cells.n_cells // 4:
        values, positions = cells.search(sample, k)
        is_near = space.from_faiss(values) <= farthest[:, None] * (1 + 1e-4) + 1e-6
        if (is_near & (positions >= 0)).mean() >= LEAST_FOUND:
            return True
        cells.n_opened *= 2
    return False
