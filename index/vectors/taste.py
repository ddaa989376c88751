"""One vector for several tracks, moved away from others.

Written in numpy, so that a search needs no torch. A test compares the means with those of
`embedder.geometry`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from embedder.errors import BadInput
from index.vectors.distances import RIM, FloatMatrix, Space

PUSH = 0.5
"""How far `minus` moves the mean, as a share of the distance between the two. With more than a
half, the vector ends where there are no tracks."""

Point = NDArray[np.float64]


def taste_of(space: Space, likes: FloatMatrix, dislikes: FloatMatrix | None = None) -> FloatMatrix:
    """The mean [d] of vectors [n, d], moved away from the mean of others [m, d]."""
    middle = _mean(space, np.asarray(likes, dtype=np.float64))
    if dislikes is not None and len(dislikes):
        other = _mean(space, np.asarray(dislikes, dtype=np.float64))
        if np.allclose(middle, other, atol=1e-6):
            raise BadInput("the tracks of --minus sound the same as the others: nothing is left")
        return _farther(space, middle, _away(space, middle, other), other)
    return middle.astype(np.float32)


def _farther(space: Space, point: Point, moved: Point, other: Point) -> FloatMatrix:
    """The moved vector, or the vector itself if moving it brought it nearer.

    That happens at the rim of the ball, through rounding.
    """
    both = np.stack([moved, point]).astype(np.float32)
    distances = space.between(other.astype(np.float32), both)
    farthest: FloatMatrix = both[int(np.argmax(distances))]
    return farthest


def _mean(space: Space, points: Point) -> Point:
    if len(points) == 1:
        return _row(points)
    if space.kind == "euclidean":
        mean: Point = points.mean(axis=0)
        return mean
    if space.kind == "cosine":
        units = _units(points)
        middle = units.mean(axis=0)
        # If they cancel out, the mean has no direction: take the first vector.
        is_lost = np.linalg.norm(middle) < 1e-6
        return _row(units if is_lost else _units(middle[None]))
    # The Einstein midpoint, by way of the hyperboloid.
    inside = _inside(points, space.curvature)
    gap = 1 - space.curvature * np.square(inside).sum(axis=1, keepdims=True)
    momentum = (2 * inside / gap).sum(axis=0)
    energy = ((2 - gap) / gap).sum()
    square = energy**2 - space.curvature * np.square(momentum).sum()
    midpoint = momentum / (energy + math.sqrt(max(square, 0)))
    return _row(_inside(midpoint[None], space.curvature))


def _away(space: Space, point: Point, other: Point) -> Point:
    """A vector moved along the line that leads away from another vector."""
    if space.kind == "euclidean":
        return point + PUSH * (point - other)
    if space.kind == "cosine":
        return _row(_units(_units(point[None]) - PUSH * _units(other[None])))
    # The direction from `point` to `other`, reversed and followed for a part of its length.
    root = math.sqrt(space.curvature)
    towards = _moebius_sum(-point, other, space.curvature)
    length = float(np.linalg.norm(towards))
    walked = math.tanh(PUSH * math.atanh(min(root * length, 1 - RIM))) / root
    moved = _moebius_sum(point, -towards / length * walked, space.curvature)
    return _row(_inside(moved[None], space.curvature))


def _moebius_sum(first: Point, second: Point, curvature: float) -> Point:
    """First point's shift of the ball applied to the second (Ungar 2008)."""
    inner = curvature * float(first @ second)
    squares = curvature * float(first @ first), curvature * float(second @ second)
    top = (1 + 2 * inner + squares[1]) * first + (1 - squares[0]) * second
    shifted: Point = top / (1 + 2 * inner + squares[0] * squares[1])
    return shifted


def _row(points: Point) -> Point:
    """The first vector [d] of vectors [n, d]."""
    first: Point = points[0]
    return first


def _units(points: Point) -> Point:
    units: Point = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    return units


def _inside(points: Point, curvature: float) -> Point:
    lengths = math.sqrt(curvature) * np.linalg.norm(points, axis=1, keepdims=True)
    inside: Point = points * np.minimum((1 - RIM) / np.maximum(lengths, 1e-12), 1)
    return inside
