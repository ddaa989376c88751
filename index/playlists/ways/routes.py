"""The routes of playlists: a target vector for each place.

    tour     near the named tracks       a a a b b b
    path     from track to track         a ─ · ─ · ─ v ─ · ─ b
    drift    away from the start         a ~ · ~ · ~ · ~ ·
    chain    near the previous track     no targets

Pure: vectors in, vectors out.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from index.playlists.solver.problem import Leg
from index.vectors.distances import FloatMatrix, Space, chords, distances_between
from index.vectors.taste import taste_of

MAX_ANCHORS = 12
"""Seeds are grouped into at most this many; each group needs its own search."""
PATH_SMOOTHNESS = 1.0
"""The cost of a step as long as a path, relative to being off the way by this length."""


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """The target of each place."""

    targets: FloatMatrix
    """[t, d]: candidates are near one of them."""
    rows: NDArray[np.int64]
    """[places]: the target of each place."""
    given: dict[int, int] = field(default_factory=dict)
    """Places of given tracks, with the number of the given track."""
    legs: tuple[Leg, ...] = ()
    smoothness: float = 0.3


def tour(space: Space, seeds: FloatMatrix, *, n_places: int) -> Route:
    """Near seeds [m, d], grouped; a group's share of the places fits its number of seeds."""
    anchors, weights = anchors_of(space, seeds)
    order = _nearest_next(space, anchors)
    ends = np.cumsum(weights[order]) / weights.sum() * n_places
    rows = order[np.minimum(np.searchsorted(ends, np.arange(n_places) + 0.5), len(order) - 1)]
    return Route(anchors, rows)


def path(space: Space, stops: FloatMatrix, *, n_places: int) -> Route:
    """Through stops [m, d], all given tracks; the places between depend on the distances."""
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
    """A random walk from the mean of likes [l, d] to one landmark [m, d] after another.

    pace: the length of a step, as a share of the median distance between two landmarks.
    """
    median = float(np.median(chords(space, distances_between(space, landmarks[:50], landmarks))))
    step = pace * median
    here, aim = taste_of(space, likes), landmarks[generator.integers(len(landmarks))]
    targets = np.tile(here, (n_places, 1))
    place = 1
    while place < n_places and step > 0:
        remaining = float(chords(space, distances_between(space, here[None], aim[None]))[0, 0])
        # The walk never arrives: two steps before a landmark it turns to another one.
        n_steps = min(max(int(remaining / step) - 1, 1), n_places - place)
        shares = np.minimum(np.arange(1, n_steps + 1) * step / max(remaining, 1e-9), 1.0)[:, None]
        way = here + shares.astype(np.float32) * (aim - here)
        targets[place : place + n_steps] = space.to_unit(way)
        here, aim = targets[place + n_steps - 1], landmarks[generator.integers(len(landmarks))]
        place += n_steps
    return Route(targets, np.arange(n_places))


def chain(size: int, *, n_places: int) -> Route:
    """No targets: each track only has to be near the previous one."""
    empty = np.empty((0, size), dtype=np.float32)
    return Route(empty, np.zeros(n_places, dtype=np.int64), smoothness=1.0)


def anchors_of(space: Space, seeds: FloatMatrix) -> tuple[FloatMatrix, NDArray[np.float64]]:
    """Seeds [m, d] as a few anchors [a, d], with the number of seeds for each [a].

    Seeds far from each other become anchors; then each anchor moves to the mean of its seeds.
    """
    if len(seeds) == 1:
        return seeds, np.ones(1)
    chosen = [0]
    apart = distances_between(space, seeds[:1], seeds)[0]
    median = float(np.median(apart[apart > 0])) if (apart > 0).any() else 0.0
    while len(chosen) < min(MAX_ANCHORS, len(seeds)) and apart.max() > 0.5 * median:
        chosen.append(int(apart.argmax()))
        apart = np.minimum(apart, distances_between(space, seeds[chosen[-1:]], seeds)[0])
    nearest = distances_between(space, seeds[chosen], seeds).argmin(axis=0)
    groups = [np.flatnonzero(nearest == anchor) for anchor in range(len(chosen))]
    groups = [group for group in groups if len(group)]
    middles = np.stack([taste_of(space, seeds[group]) for group in groups])
    return middles, np.array([float(len(group)) for group in groups])


def _nearest_next(space: Space, points: FloatMatrix) -> NDArray[np.int64]:
    """An order from the first point, always to the nearest remaining one."""
    apart = distances_between(space, points, points)
    order = [0]
    remaining = set(range(1, len(points)))
    while remaining:
        order.append(min(remaining, key=lambda point: (apart[order[-1], point], point)))
        remaining.remove(order[-1])
    return np.array(order)


def _shares(weights: NDArray[np.floating], total: int) -> NDArray[np.int64]:
    """Integers that sum to a total, in proportion to weights (largest remainders)."""
    exact = weights / weights.sum() * total
    counts: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    most_owed = np.argsort(counts - exact, kind="stable")
    counts[most_owed[: total - int(counts.sum())]] += 1
    return counts
