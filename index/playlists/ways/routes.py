"""The ways that a playlist can go: a point in the space of sounds for each of its places.

    tour     round what was named        a a a b b b
    path     from track to track         a ─ · ─ · ─ v ─ · ─ b
    drift    off and away                a ~ · ~ · ~ · ~ ·
    chain    wherever the last leads     no points

Pure: vectors in, vectors out.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from index.playlists.solver.problem import Leg
from index.vectors.distances import FloatMatrix, Space, chords, distances_between
from index.vectors.taste import taste_of

MAX_ANCHORS = 12
"""Many seeds are grouped into so many at most: each is a search of its own."""
PATH_SMOOTHNESS = 1.0
"""What a step of a path's own length costs, against being off the way by as much."""


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Where each place lies."""

    targets: FloatMatrix
    """[t, d]: what is near to one of them is looked at."""
    rows: NDArray[np.int64]
    """[places]: which target is a place's."""
    given: dict[int, int] = field(default_factory=dict)
    """Places taken by given tracks, which are counted as they were given."""
    legs: tuple[Leg, ...] = ()
    smoothness: float = 0.3


def tour(space: Space, seeds: FloatMatrix, *, n_places: int) -> Route:
    """Round seeds [m, d], in shares that fit their number."""
    anchors, weights = anchors_of(space, seeds)
    order = _nearest_next(space, anchors)
    ends = np.cumsum(weights[order]) / weights.sum() * n_places
    rows = order[np.minimum(np.searchsorted(ends, np.arange(n_places) + 0.5), len(order) - 1)]
    return Route(anchors, rows)


def path(space: Space, stops: FloatMatrix, *, n_places: int) -> Route:
    """Through stops [m, d], all of them given; the places between are dealt out by distance."""
    gaps = np.array(
        [
            chords(space, distances_between(space, stops[i : i + 1], stops[i + 1 : i + 2]))[0, 0]
            for i in range(len(stops) - 1)
        ]
    )
    n_between = _shares(np.maximum(gaps, 1e-6), n_places - len(stops))
    places = np.concatenate([[0], np.cumsum(n_between + 1)])
    targets = np.empty((n_places, stops.shape[1]), dtype=np.float32)
    for leg, count in enumerate(n_between):
        shares = np.linspace(0, 1, count + 2, dtype=np.float32)[:, None]
        way = (1 - shares) * stops[leg] + shares * stops[leg + 1]
        targets[places[leg] : places[leg + 1] + 1] = way
    legs = tuple(
        Leg(int(places[i]), int(places[i + 1]), stops[i], stops[i + 1]) for i in range(len(gaps))
    )
    given = {int(place): stop for stop, place in enumerate(places)}
    smoothness = PATH_SMOOTHNESS / max(float(np.square(gaps).mean()), 1e-6)
    return Route(space.to_unit(targets), np.arange(n_places), given, legs, smoothness)


def drift(
    space: Space,
    likes: FloatMatrix,
    *,
    landmarks: FloatMatrix,
    pace: float,
    n_places: int,
    generator: np.random.Generator,
) -> Route:
    """A random walk from the middle of likes [l, d] to one landmark [m, d] after another.

    pace: the length of a step, as a share of the usual distance between two landmarks.
    """
    usual = float(np.median(chords(space, distances_between(space, landmarks[:50], landmarks))))
    step = pace * usual
    here, aim = taste_of(space, likes), landmarks[generator.integers(len(landmarks))]
    targets = np.tile(here, (n_places, 1))
    place = 1
    while place < n_places and step > 0:
        left = float(chords(space, distances_between(space, here[None], aim[None]))[0, 0])
        # It never arrives: within two steps of one place it makes for another.
        n_steps = min(max(int(left / step) - 1, 1), n_places - place)
        shares = np.minimum(np.arange(1, n_steps + 1) * step / max(left, 1e-9), 1.0)[:, None]
        way = here + shares.astype(np.float32) * (aim - here)
        targets[place : place + n_steps] = space.to_unit(way)
        here, aim = targets[place + n_steps - 1], landmarks[generator.integers(len(landmarks))]
        place += n_steps
    return Route(targets, np.arange(n_places))


def chain(size: int, *, n_places: int) -> Route:
    """No way at all: each track only follows the last."""
    empty = np.empty((0, size), dtype=np.float32)
    return Route(empty, np.zeros(n_places, dtype=np.int64), smoothness=1.0)


def anchors_of(space: Space, seeds: FloatMatrix) -> tuple[FloatMatrix, NDArray[np.float64]]:
    """Seeds [m, d] as a few points [a, d] and how many seeds each stands for [a].

    Points far from each other are found first, then each is moved to the middle of its seeds.
    """
    if len(seeds) == 1:
        return seeds, np.ones(1)
    chosen = [0]
    apart = distances_between(space, seeds[:1], seeds)[0]
    usual = float(np.median(apart[apart > 0])) if (apart > 0).any() else 0.0
    while len(chosen) < min(MAX_ANCHORS, len(seeds)) and apart.max() > 0.5 * usual:
        chosen.append(int(apart.argmax()))
        apart = np.minimum(apart, distances_between(space, seeds[chosen[-1:]], seeds)[0])
    nearest = distances_between(space, seeds[chosen], seeds).argmin(axis=0)
    groups = [np.flatnonzero(nearest == anchor) for anchor in range(len(chosen))]
    groups = [group for group in groups if len(group)]
    middles = np.stack([taste_of(space, seeds[group]) for group in groups])
    return middles, np.array([float(len(group)) for group in groups])


def _nearest_next(space: Space, points: FloatMatrix) -> NDArray[np.int64]:
    """An order from the first point, always on to the nearest that is left."""
    apart = distances_between(space, points, points)
    order = [0]
    left = set(range(1, len(points)))
    while left:
        order.append(min(left, key=lambda point: (apart[order[-1], point], point)))
        left.remove(order[-1])
    return np.array(order)


def _shares(weights: NDArray[np.floating], total: int) -> NDArray[np.int64]:
    """Whole numbers that add up to a total, in proportion to weights (largest remainders)."""
    exact = weights / weights.sum() * total
    counts: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    most_owed = np.argsort(counts - exact, kind="stable")
    counts[most_owed[: total - int(counts.sum())]] += 1
    return counts
