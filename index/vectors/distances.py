"""True distances between vectors, in numpy, so that a search needs no torch.

The same definitions as `embedder.geometry`, which a test holds them to. Smaller is always nearer.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import GeometryKind

FloatMatrix = NDArray[np.float32]

RIM = 1e-3
"""Points nearer to the ball's rim than this part of its radius are drawn back, as in embedder."""

ROWS_PER_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Space:
    """In which geometry the vectors of a library live."""

    kind: GeometryKind = "cosine"
    curvature: float = 1.0

    def to_unit(self, vectors: NDArray[np.floating]) -> FloatMatrix:
        """Vectors [n, d] as they are compared: float32, of unit length for cosine."""
        points = np.ascontiguousarray(vectors, dtype=np.float32)
        if self.kind != "cosine":
            return points
        if len(points) == 1 and abs(float(points[0] @ points[0]) - 1) < 2e-5:
            return points
        squares = np.einsum("ij,ij->i", points, points)
        if not len(squares) or (squares.max() < 1 + 2e-5 and squares.min() > 1 - 2e-5):
            return points  # what is of unit length already keeps its every bit
        lengths = np.sqrt(squares)[:, None]
        units: FloatMatrix = (points / np.maximum(lengths, 1e-12)).astype(np.float32)
        return units

    def from_faiss(self, values: FloatMatrix) -> FloatMatrix:
        """What FAISS ranks by (inner product, or squared L2) as distances."""
        if self.kind == "cosine":
            values = np.float32(1) - values
        distances: FloatMatrix = np.maximum(values, 0)
        return distances if self.kind == "cosine" else np.sqrt(distances)

    def between(self, query: FloatMatrix, vectors: FloatMatrix) -> FloatMatrix:
        """From one query [d] to vectors [n, d]: distances [n]."""
        if self.kind == "cosine":
            angles: FloatMatrix = np.maximum(np.float32(1) - vectors @ query, 0)
            return angles
        if self.kind == "euclidean":
            apart: FloatMatrix = np.linalg.norm(vectors - query, axis=1)
            return apart
        return self._hyperbolic(query, vectors)

    def _hyperbolic(self, query: FloatMatrix, vectors: FloatMatrix) -> FloatMatrix:
        """arccosh(1 + 2c|x-y|²/((1-c|x|²)(1-c|y|²)))/√c, as arcsinh, which keeps its digits
        where points nearly meet.
        """
        root = math.sqrt(self.curvature)
        first = self._inside(query[None])
        second = self._inside(vectors)
        apart = np.linalg.norm(second - first, axis=1)
        gap_first = 1 - self.curvature * np.square(first).sum(axis=1)
        gap_second = 1 - self.curvature * np.square(second).sum(axis=1)
        distances = 2 / root * np.arcsinh(root * apart / np.sqrt(gap_first * gap_second))
        narrowed: FloatMatrix = distances.astype(np.float32)
        return narrowed

    def _inside(self, points: FloatMatrix) -> NDArray[np.float64]:
        wide = points.astype(np.float64)
        lengths = math.sqrt(self.curvature) * np.linalg.norm(wide, axis=1, keepdims=True)
        shrunk: NDArray[np.float64] = wide * np.minimum((1 - RIM) / np.maximum(lengths, 1e-12), 1)
        return shrunk


def distances_between(space: Space, first: FloatMatrix, second: FloatMatrix) -> FloatMatrix:
    """From vectors [m, d] to vectors [n, d]: distances [m, n]."""
    if space.kind == "cosine":
        apart: FloatMatrix = np.maximum(np.float32(1) - first @ second.T, 0)
        return apart
    rows = [space.between(row, second) for row in first]
    return np.stack(rows) if rows else np.empty((0, len(second)), dtype=np.float32)


def chords(space: Space, distances: FloatMatrix) -> FloatMatrix:
    """Distances as straight lines, which add up along a way; a cosine distance is half a square."""
    lines: FloatMatrix = np.sqrt(2 * distances) if space.kind == "cosine" else distances
    return lines


def stepwise(space: Space, vectors: FloatMatrix) -> FloatMatrix:
    """From each of vectors [n, d] to the next: distances [n - 1]."""
    if space.kind == "cosine":
        along: FloatMatrix = 1 - np.einsum("ij,ij->i", vectors[:-1], vectors[1:])
        return np.maximum(along, 0)
    rows = [space.between(vectors[i], vectors[i + 1 : i + 2])[0] for i in range(len(vectors) - 1)]
    return np.array(rows, dtype=np.float32)


def nearest(
    space: Space, query: FloatMatrix, vectors: FloatMatrix, *, k: int
) -> tuple[FloatMatrix, NDArray[np.int64]]:
    """The k nearest of vectors [n, d] to a query [d]: distances and positions, nearest first.

    Goes block by block, so that vectors may be a memory-mapped file larger than memory.
    """
    best = np.empty(0, dtype=np.float32)
    where = np.empty(0, dtype=np.int64)
    for start in range(0, len(vectors), ROWS_PER_BLOCK):
        block = np.asarray(vectors[start : start + ROWS_PER_BLOCK])
        best = np.concatenate([best, space.between(query, block)])
        where = np.concatenate([where, np.arange(start, start + len(block))])
        if len(best) > k:
            best_places = np.argpartition(best, k - 1)[:k]
            best, where = best[best_places], where[best_places]
    order = np.lexsort((where, best))
    return best[order], where[order]
