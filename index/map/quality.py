"""How far a map can be trusted, track by track and as a whole. Pure: arrays in, numbers out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.map.neighbours import Floats, NearTable

if TYPE_CHECKING:
    from index.vectors.distances import Space

JUDGED_NEIGHBOURS = 10
SURROUNDINGS = 50
"""A true neighbour among the 50 nearest on the map is still in sight."""
SURROUNDING_SHARE = 500
"""In a large map one five hundredth of all tracks is: 200 of 100,000 are a few pixels."""
MISLEADING_BELOW = 0.25
"""A place where fewer than a quarter of the true neighbours are in sight misleads."""
SAMPLE_TRACKS = 5000


@dataclass(frozen=True, slots=True)
class Trust:
    """Trustworthiness (1 is best; a random map has about 0.5), and how it was measured."""

    value: float
    k: int
    n_tracks: int
    """Fewer than the library has where it was measured on a sample."""


def surroundings(n_tracks: int) -> int:
    """How many tracks on the map count as the surroundings of one: 10 and up."""
    wide = max(SURROUNDINGS, n_tracks // SURROUNDING_SHARE)
    return min(wide, max(JUDGED_NEIGHBOURS, n_tracks // 10))


def preservation(near: NearTable, coordinates: Floats) -> Floats:
    """For each track, the share of its true neighbours that lie in its surroundings, [tracks]."""
    n_tracks = len(coordinates)
    table = near.first(JUDGED_NEIGHBOURS)
    if not table.k:
        return np.ones(n_tracks, dtype=np.float32)
    from scipy.spatial import cKDTree  # slow to import, and a query needs none of it

    width = min(surroundings(n_tracks), n_tracks - 1)
    # Only how far the surroundings reach, not who is in them: 100,000 times 200 rows is much.
    reach = cKDTree(coordinates).query(coordinates, k=[width + 1])[0][:, 0] * (1 + 1e-6)
    n_inside = np.zeros(n_tracks, dtype=np.float32)
    for column in range(table.k):
        apart = np.linalg.norm(coordinates - coordinates[table.rows[:, column]], axis=1)
        n_inside += apart <= reach
    return n_inside / np.float32(table.k)


def misleads(shares: Floats) -> NDArray[np.bool_]:
    """Which tracks lie far from what they sound like, [tracks]."""
    flags: NDArray[np.bool_] = shares < MISLEADING_BELOW
    return flags


def trust(vectors: Floats, coordinates: Floats, *, space: "Space", seed: int) -> Trust | None:
    """Trustworthiness of the whole map, above 5,000 tracks of a sample; None below 4 tracks."""
    n_tracks = len(vectors)
    k = min(JUDGED_NEIGHBOURS, (n_tracks - 1) // 2)
    if n_tracks < 4 or k < 1:
        return None
    from embedder.geometry import geometry_of
    from embedder.metrics.neighbourhood import trustworthiness

    if n_tracks > SAMPLE_TRACKS:
        chosen = np.random.default_rng(seed).choice(n_tracks, SAMPLE_TRACKS, replace=False)
        chosen.sort()
        vectors, coordinates = vectors[chosen], coordinates[chosen]
    value = trustworthiness(
        vectors,
        coordinates,
        k=k,
        geometry=geometry_of(space.kind, curvature=space.curvature),
    )
    return Trust(value, k, len(vectors))
