"""Where tracks lie on the map: UMAP over their nearest neighbours, or PCA for too few tracks.

The neighbours come from the library's own store, in its own geometry, so no second index is built.
Pure: arrays in, arrays out.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from embedder.errors import UsageError
from index.map.neighbours import Floats, NearTable

Method = Literal["umap", "pca"]

MIN_TRACKS_FOR_UMAP = 15
"""With fewer, every track is a neighbour of every other, so UMAP has no structure to find."""
PLACING_RATE = 0.25
"""New tracks are placed with a quarter of UMAP's learning rate, as in umap-learn's transform."""


@dataclass(frozen=True, slots=True)
class LayoutSettings:
    """The settings of a layout."""

    dimensions: int = 2
    neighbours: int = 15
    """Few show detail, many the large structure. The track itself counts as one."""
    min_distance: float = 0.1
    """The least distance of points, relative to the map's scale; 0 packs clusters tightly."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dimensions not in (2, 3):
            raise UsageError(f"--dimensions {self.dimensions}: give 2 or 3")
        if not 2 <= self.neighbours <= 500:
            raise UsageError(f"--neighbours {self.neighbours}: give 2 to 500, 15 is usual")
        if not 0 <= self.min_distance <= 1:
            raise UsageError(f"--min-distance {self.min_distance}: give 0 to 1, 0.1 is usual")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"--seed {self.seed}: give a whole number from 0 to {2**32 - 1}")


def method_for(n_tracks: int) -> Method:
    """The method for a library of this size."""
    return "umap" if n_tracks >= MIN_TRACKS_FOR_UMAP else "pca"


def lay_out(
    vectors: Floats, near: NearTable, settings: LayoutSettings, *, is_cosine: bool = True
) -> Floats:
    """Coordinates float32 [tracks, dimensions] of vectors [tracks, size]; the seed decides all."""
    if method_for(len(vectors)) == "pca":
        return principal_components(vectors, settings.dimensions)
    n_neighbours = min(settings.neighbours, near.k + 1)
    own = np.arange(len(vectors), dtype=np.int32)[:, None]
    rows = np.hstack([own, near.rows[:, : n_neighbours - 1]])
    zeros = np.zeros((len(vectors), 1), dtype=np.float32)
    distances = np.hstack([zeros, near.distances[:, : n_neighbours - 1]])
    with _quiet():
        from umap import UMAP  # the import takes seconds

        mapper = UMAP(
            n_components=settings.dimensions,
            n_neighbors=n_neighbours,
            min_dist=settings.min_distance,
            metric="cosine" if is_cosine else "euclidean",
            precomputed_knn=(rows, distances, None),
            disconnection_distance=math.inf,
            random_state=settings.seed,
            n_jobs=1,  # umap-learn heeds a seed only with one thread
        )
        coordinates = np.asarray(mapper.fit_transform(vectors), dtype=np.float32)
    if not np.isfinite(coordinates).all():  # nearly all vectors are equal
        return principal_components(vectors, settings.dimensions)
    return coordinates


def place(coordinates: Floats, near: NearTable, settings: LayoutSettings) -> Floats:
    """Coordinates float32 [new, dimensions] for new tracks; the other tracks do not move.

    near: the new tracks' neighbours among the placed ones. The steps are those of umap-learn's
    `transform`, which would need a saved UMAP object with all vectors and a second index.
    """
    table = near.first(settings.neighbours)
    with _quiet():
        from scipy.sparse import coo_matrix
        from umap.layouts import optimize_layout_euclidean
        from umap.umap_ import (
            compute_membership_strengths,
            find_ab_params,
            init_graph_transform,
            make_epochs_per_sample,
            smooth_knn_dist,
        )

        sigmas, rhos = smooth_knn_dist(table.distances, float(table.k), local_connectivity=0.0)
        rows, columns, strengths, _ = compute_membership_strengths(
            table.rows, table.distances, sigmas, rhos, bipartite=True
        )
        shape = (len(table.rows), len(coordinates))
        graph = coo_matrix((strengths, (rows, columns)), shape=shape)
        csr = graph.tocsr()
        csr.eliminate_zeros()
        start = init_graph_transform(csr, coordinates).astype(np.float32)
        n_epochs = 100 if len(table.rows) <= 10_000 else 30
        graph.data[graph.data < graph.data.max() / n_epochs] = 0.0
        graph.eliminate_zeros()
        a, b = find_ab_params(1.0, settings.min_distance)
        rng = np.random.default_rng(settings.seed)
        placed = optimize_layout_euclidean(
            start,
            coordinates.copy(),
            graph.row,
            graph.col,
            n_epochs,
            graph.shape[1],
            make_epochs_per_sample(graph.data, n_epochs),
            a,
            b,
            rng.integers(np.iinfo(np.int32).min + 1, np.iinfo(np.int32).max, 3).astype(np.int64),
            initial_alpha=PLACING_RATE,
        )
    return np.asarray(placed, dtype=np.float32)


def principal_components(vectors: Floats, dimensions: int) -> Floats:
    """The first principal components, [tracks, dimensions]; missing ones are zero."""
    centred = vectors - vectors.mean(axis=0, keepdims=True)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    components = (left * singular)[:, :dimensions]
    n_components = components.shape[1]
    # A component's sign is arbitrary: make the largest coordinate positive.
    farthest = components[np.abs(components).argmax(axis=0), np.arange(n_components)]
    coordinates = np.zeros((len(vectors), dimensions), dtype=np.float32)
    coordinates[:, :n_components] = components * np.where(farthest < 0, -1, 1)
    return coordinates


@contextmanager
def _quiet() -> Iterator[None]:
    """Ignore umap-learn's warnings about given neighbours, its missing transform and so on."""
    with warnings.catch_warnings():
        for message, category in _IGNORED_WARNINGS:
            warnings.filterwarnings("ignore", message=message, category=category)
        yield


_IGNORED_WARNINGS: tuple[tuple[str, Any], ...] = (
    (r"Tensorflow not installed", ImportWarning),
    (r"precomputed_knn\[2\]", UserWarning),
    (r".*[Ss]pectral initiali[sz]ation failed", UserWarning),
    (r"(?s).*Falling back to random initiali[sz]ation", UserWarning),
    (r".*[Gg]raph is not fully connected", UserWarning),
    (r"invalid value encountered", RuntimeWarning),
    (r".*TBB", Warning),
)
