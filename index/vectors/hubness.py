"""Hubs are near to very many tracks; orphans are among no track's neighbours.

Measured by k-occurrence (Radovanović et al. 2010). Corrected by ranking anew, distances staying
what they are:

    csls                d(x, y) less half the mean distance of y to its own nearest, so that what
                        lies in a crowd has to be nearer (Conneau et al. 2018)
    mutual-proximity    the probability that both are near to each other, by what is usual for
                        each (Schnitzer et al. 2012, with independent normal distributions)

Both look only at the candidates of one search, and measure what is usual by a sample of the
library, at the time of the search: nothing is stored, so that nothing can be out of date, and it
costs the same in a library of any size.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from embedder.errors import UnknownChoice
from index.vectors.distances import FloatMatrix, Space
from index.vectors.store import IdArray

Correction = Literal["none", "csls", "mutual-proximity"]
CORRECTIONS: tuple[Correction, ...] = get_args(Correction)
SETTING = "hubness_correction"
CARD_KEY = "hubness_correction"
"""In `Card.facts`: what helped the model's held-out retrieval."""

K_LOCAL = 10
CANDIDATES_PER_HIT = 5
MIN_CANDIDATES = 100
N_CROWD = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """The tracks that say how crowded it is somewhere. ids [m] ascending, vectors [m, d]"""

    ids: IdArray
    vectors: FloatMatrix


def check_correction(name: str) -> Correction:
    """The correction of a name; raises UnknownChoice."""
    for correction in CORRECTIONS:
        if name == correction:
            return correction
    raise UnknownChoice("hubness correction", name, CORRECTIONS)


def csls_keys(
    distances: NDArray[np.floating],
    ids: IdArray,
    candidates: FloatMatrix,
    *,
    space: Space,
    crowd: "Crowd",
) -> NDArray[np.float64]:
    """What to rank candidates [n, d] at distances [n] from a query by, smallest first.

    The query's own mean is the same for all, so it is left out.
    """
    keys = distances.astype(np.float64)
    for position, candidate in enumerate(candidates):
        others = space.between(candidate, crowd.vectors)[crowd.ids != ids[position]]
        k = min(K_LOCAL, len(others))
        if k:
            keys[position] -= float(np.partition(others, k - 1)[:k].mean()) / 2
    return keys


def mutual_proximity_keys(
    distances: NDArray[np.floating],
    query: FloatMatrix,
    candidates: FloatMatrix,
    *,
    space: Space,
    sample: FloatMatrix,
) -> NDArray[np.float64]:
    """What to rank candidates [n, d] at distances [n] from a query [d] by, smallest first.

    sample: tracks [m, d] that say what distance is usual from each.
    """
    if len(sample) < 3:
        return distances.astype(np.float64)
    logs = _log_chance_farther(space, query[None], sample, distances[None])[0]
    for position, candidate in enumerate(candidates):
        distance = distances[position : position + 1]
        logs[position] += _log_chance_farther(space, candidate[None], sample, distance[None])[0, 0]
    keys: NDArray[np.float64] = -logs
    return keys


def _log_chance_farther(
    space: Space, points: FloatMatrix, sample: FloatMatrix, distances: NDArray[np.floating]
) -> NDArray[np.float64]:
    """For points [n, d]: the log of the chance [n, m] that a random track is farther than
    distances [n, m].
    """
    usual = np.stack([space.between(point, sample) for point in points]).astype(np.float64)
    spread = np.maximum(usual.std(axis=1, keepdims=True), 1e-9)
    standard = (distances - usual.mean(axis=1, keepdims=True)) / spread
    chances = [[0.5 * math.erfc(value / math.sqrt(2)) for value in row] for row in standard]
    logs: NDArray[np.float64] = np.log(np.maximum(chances, 1e-300))
    return logs
