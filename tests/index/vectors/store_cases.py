"""Kinds of stores, clustered vectors to fill them with, and the slow way to search."""

import numpy as np

from index.vectors.distances import Space
from index.vectors.kinds import KindSetting

SIZE = 16
KINDS: tuple[KindSetting, ...] = ("exact", "hnsw", "hnsw-sq8", "ivf-sq8", "ivf-pq")
SPACES = (Space(), Space("euclidean"), Space("poincare", 0.7))
N_TRAINABLE = 10_000
"""FAISS warns on stderr where its codes are learned from fewer."""


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
