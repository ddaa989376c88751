"""Kinds of stores, clustered vectors to fill them with, and the slow way to search."""

from pathlib import Path

import numpy as np

from index.vectors.distances import Space
from index.vectors.kinds import KindSetting, StoreSettings
from index.vectors.store import VectorStore
from index.vectors.store_file import StoreSource
from index.vectors.stores import open_store, store_of, store_path

SIZE = 16
KINDS: tuple[KindSetting, ...] = ("exact", "hnsw", "hnsw-sq8", "ivf-sq8", "ivf-pq")
LANCE_KINDS: tuple[KindSetting, ...] = ("lance", "lance-sq8", "lance-pq")
SPACES = (Space(), Space("euclidean"), Space("poincare", 0.7))
N_TRAINABLE = 10_000
"""FAISS warns on stderr where its codes are learned from fewer."""


def settings_of(kind: KindSetting, folder: Path) -> StoreSettings:
    """The settings of a kind; a table of LanceDB is in a folder beside the library's."""
    return StoreSettings(kind, address=str(folder / "tables") if "lance" in kind else "")


def saved_store(
    kind: KindSetting, folder: Path, ids: np.ndarray, vectors: np.ndarray, space: Space | None
) -> VectorStore:
    """A store of a kind in a folder. A table of LanceDB is saved, so that it is searched there."""
    space = space or Space()
    settings = settings_of(kind, folder)
    rows = {int(track_id): row for row, track_id in enumerate(ids)}
    store = store_of(
        space,
        ids,
        size=vectors.shape[1],
        read=lambda some: vectors[[rows[int(track_id)] for track_id in some]],
        settings=settings,
    )
    if settings.is_lance:
        store.save(store_path(folder, settings), StoreSource("model", 1))
    return store


def reopened(kind: KindSetting, folder: Path, space: Space | None = None) -> VectorStore:
    """The store that was saved in a folder."""
    settings = settings_of(kind, folder)
    return open_store(store_path(folder, settings), space or Space(), settings)


def clustered(n: int, *, seed: int, space: Space | None = None) -> np.ndarray:
    """Vectors in fifty clusters: float32 [n, SIZE]"""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(50, SIZE))
    points = centres[rng.integers(0, 50, n)] + 0.3 * rng.normal(size=(n, SIZE))
    space = space or Space()
    if space.kind == "poincare":
        points *= rng.uniform(0.1, 0.98, (n, 1)) / np.linalg.norm(points, axis=1, keepdims=True)
    return space.to_unit(points)


def by_hand(
    space: Space, queries: np.ndarray, ids: np.ndarray, vectors: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The slow, obvious way: distances and ids."""
    everything = np.stack([space.between(query, vectors) for query in queries])
    order = np.argsort(everything, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(everything, order, 1), ids[order]


def recall(ids: np.ndarray, expected: np.ndarray) -> float:
    return float(
        np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(ids, expected, strict=True)])
    )
