"""The solver's problem: a sequence of places, and the cost of each candidate at each place.

Every kind of playlist becomes such a record, with `n` candidates and `t` rows of costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from index.vectors.distances import FloatMatrix, Space


@dataclass(frozen=True, slots=True, eq=False)
class Guides:
    """Numbers that may only rise or only fall from place to place.

    values: float32 [g, n] of each candidate; directions: int8 [places, g], 1 to rise, -1 to fall,
    0 for no constraint.
    """

    values: FloatMatrix
    directions: NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Places to fill with candidates; the solver looks for the cheapest order within the rules."""

    costs: FloatMatrix
    """[t, n]: the cost of each candidate, infinite if it cannot be used."""
    cost_rows: NDArray[np.int64]
    """[places]: the row of costs for each place."""
    vectors: FloatMatrix
    """[n, d]"""
    space: Space
    given: Mapping[int, int] = field(default_factory=dict)
    """Places that are taken already, with the candidate of each."""
    smoothness: float = 0.0
    """The cost of a step, per unit of distance."""
    guides: Guides | None = None

    @property
    def n_places(self) -> int:
        """The requested number of tracks."""
        return len(self.cost_rows)


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """A part of a path: the places between two given tracks, both included."""

    first: int
    last: int
    start: FloatMatrix
    end: FloatMatrix
