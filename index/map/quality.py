"""How well a map keeps neighbours together, per track and as a whole. Pure: arrays in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.map.neighbours import Floats, NearTable

if TYPE_CHECKING:
    from index.vectors.distances import Space

JUDGED_NEIGHBOURS = 10
SURROUNDINGS = 50
"""A nearest neighbour counts as nearby if it is among the 50 nearest on the map."""
SURROUNDING_SHARE = 500
"""In a large map, among one five-hundredth of all tracks: 200 of 100,000 cover a few pixels."""
MISLEADING_BELOW = 0.25
"""A track's place misleads if less than a quarter of its nearest neighbours are nearby."""
MOST_JUDGED_WHOLLY = 5000
SAMPLE_TRACKS = 1000
JUDGED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Trust:
    """Trustworthiness (1 is best, a random map has about 0.5), and how it was measured."""

    value: float
    k: int
    n_tracks: int
    """The number of judged tracks: a sample if the library is large."""


def surroundings(n_tracks: int) -> int:
    """How many of the nearest tracks on the map count as nearby: 10 or more."""
    wide = max(SURROUNDINGS, n_tracks // SURROUNDING_SHARE)
    return min(wide, max(JUDGED_NEIGHBOURS, n_tracks // 10))


def preservation(near: NearTable, coordinates: Floats) -> Floats:
    """For each track, the share of its nearest neighbours that are nearby on the map, [tracks]."""
    n_tracks = len(coordinates)
    table = near.first(JUDGED_NEIGHBOURS)
    if not table.k:
        return np.ones(n_tracks, dtype=np.float32)
    from scipy.spatial import cKDTree  # slow to import

    width = min(surroundings(n_tracks), n_tracks - 1)
    # Query only the radius of the surroundings: 200 rows for each of 100,000 tracks are too many.
    reach = cKDTree(coordinates).query(coordinates, k=[width + 1])[0][:, 0] * (1 + 1e-6)
    n_inside = np.zeros(n_tracks, dtype=np.float32)
    for column in range(table.k):
        apart = np.linalg.norm(coordinates - coordinates[table.rows[:, column]], axis=1)
        n_inside += apart <= reach
    return n_inside / np.float32(table.k)


def misleads(shares: Floats) -> NDArray[np.bool_]:
    """Which tracks lie far from most of their nearest neighbours, [tracks]."""
    flags: NDArray[np.bool_] = shares < MISLEADING_BELOW
    return flags


def trust(vectors: Floats, coordinates: Floats, *, space: "Space", seed: int) -> Trust | None:
    """Trustworthiness of a map (Venna and Kaski 2001); None below 4 tracks.

    Above 5,000 tracks, a sample is judged against all others. `embedder.metrics` has the same
    measure in torch; importing torch would take more memory than the whole map.
    """
    n_tracks = len(vectors)
    k = min(JUDGED_NEIGHBOURS, (n_tracks - 1) // 2)
    if n_tracks < 4 or k < 1:
        return None
    from scipy.spatial import cKDTree

    judged = np.arange(n_tracks)
    if n_tracks > MOST_JUDGED_WHOLLY:
        rng = np.random.default_rng(seed)
        judged = np.sort(rng.choice(n_tracks, SAMPLE_TRACKS, replace=False))
    around = cKDTree(coordinates).query(coordinates[judged], k=k + 1)[1]
    is_own = around == judged[:, None]
    is_own[~is_own.any(axis=1), -1] = True  # a track may be missing from its own list
    around = around[~is_own].reshape(len(judged), k)
    points = space.to_unit(vectors)
    penalty = 0
    for start in range(0, len(judged), JUDGED_AT_ONCE):
        block = slice(start, start + JUDGED_AT_ONCE)
        ranks = _ranks(points, judged[block], around[block], space)
        penalty += int(np.maximum(ranks - k, 0).sum())
    worst = len(judged) * k * (2.0 * n_tracks - 3.0 * k - 1.0) / 2.0
    return Trust(1.0 - penalty / worst, k, len(judged))


def _ranks(
    points: Floats, rows: NDArray[np.intp], others: NDArray[np.intp], space: "Space"
) -> NDArray[np.int64]:
    """The rank in the space (1 is nearest) of each of `others` [rows, k] among all tracks."""
    if space.kind == "cosine":
        apart = 1 - points[rows] @ points.T  # one product instead of one pass per row
    else:
        apart = np.stack([space.between(points[row], points) for row in rows])
    apart[np.arange(len(rows)), rows] = np.inf
    limits = np.take_along_axis(apart, others, axis=1)
    nearer = [(apart < limits[:, column, None]).sum(axis=1) for column in range(others.shape[1])]
    return np.stack(nearer, axis=1) + 1
