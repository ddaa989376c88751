"""Projection, mean and distance of a geometry in numpy: `embedder.geometry` without torch.

That module defines them; a test compares the two.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import GeometryKind

TINY = 1e-12
RIM = 1e-3
"""As in `embedder.geometry`."""

Floats = NDArray[np.float32]
Wide = NDArray[np.float64]


class ArrayGeometry(NamedTuple):
    """A geometry by its settings."""

    kind: GeometryKind
    curvature: float = 1.0


def distances(first: Floats, second: Floats, geometry: ArrayGeometry) -> Floats:
    """Between vectors [n, d] and [m, d] of the geometry: [n, m]; smaller is nearer."""
    kind, curvature = geometry
    if kind == "cosine":
        cosines = projected(first, kind) @ projected(second, kind).T
        clipped: Floats = np.clip(1 - cosines, 0, 2)
        return clipped
    one, other = first.astype(np.float64), second.astype(np.float64)
    if kind == "euclidean":
        return _narrow(_lengths_between(one, other))
    one, other = _inside(one, curvature), _inside(other, curvature)
    gaps = [1 - curvature * np.square(part).sum(axis=1) for part in (one, other)]
    root = curvature**0.5
    ratio = root * _lengths_between(one, other) / np.sqrt(np.outer(*gaps))
    return _narrow(2 / root * np.arcsinh(ratio))


def projected(outputs: Floats, kind: GeometryKind, *, curvature: float = 1.0) -> Floats:
    """A network's outputs [n, d] as vectors of the geometry."""
    if kind == "euclidean":
        return outputs
    wide = outputs.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=-1, keepdims=True)
    if kind == "cosine":
        return _narrow(wide / np.maximum(lengths, TINY))
    lengths = np.maximum(curvature**0.5 * lengths, TINY)
    return _narrow(wide * (np.minimum(np.tanh(lengths), 1 - RIM) / lengths))


def mean_of(vectors: Floats, kind: GeometryKind, *, curvature: float = 1.0) -> Floats:
    """The mean [d] of vectors [n, d], itself a vector of the geometry."""
    if kind == "euclidean":
        return _narrow(vectors.mean(axis=0, dtype=np.float64))
    if kind == "cosine":
        units = projected(vectors, kind)
        mean = units.mean(axis=0, dtype=np.float64)
        is_cancelled = np.linalg.norm(mean) < 1e-6
        return projected(units[:1] if is_cancelled else _narrow(mean[None]), kind).reshape(-1)
    inside = _inside(vectors.astype(np.float64), curvature)
    gap = 1 - curvature * np.square(inside).sum(axis=-1, keepdims=True)
    momentum = (2 * inside / gap).sum(axis=0)
    energy = ((2 - gap) / gap).sum(axis=0)
    square = np.square(energy) - curvature * np.square(momentum).sum(keepdims=True)
    midpoint = momentum / (energy + np.sqrt(np.maximum(square, 0)))
    return _narrow(_inside(midpoint, curvature))


def _lengths_between(first: Wide, second: Wide) -> Wide:
    """|a - b| of each pair, by subtraction: a matrix product would put equal rows apart."""
    lengths: Wide = np.linalg.norm(first[:, None] - second, axis=2)
    return lengths


def _inside(vectors: Wide, curvature: float) -> Wide:
    """Vectors, moved back inside if rounding has put them on the rim or beyond it."""
    lengths = np.maximum(curvature**0.5 * np.linalg.norm(vectors, axis=-1, keepdims=True), TINY)
    inside: Wide = vectors * np.minimum((1 - RIM) / lengths, 1)
    return inside


def _narrow(values: Wide) -> Floats:
    narrow: Floats = np.asarray(values, dtype=np.float32)
    return narrow
