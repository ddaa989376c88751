"""What the engine is to solve: a row of places, and how well each candidate fits each of them.

A kind of playlist is nothing but a way to fill this record. `n` candidates, `t` rows of costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from index.vectors.distances import FloatMatrix, Space


@dataclass(frozen=True, slots=True, eq=False)
class Guides:
    """Numbers that may only rise or fall from place to place: no step backward.

    values: float32 [g, n] of each candidate; directions: int8 [places, g], 1 to rise, -1 to fall,
    0 where the number does not matter.
    """

    values: FloatMatrix
    directions: NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Places to fill with candidates; the cheapest order that breaks no rule is looked for."""

    costs: FloatMatrix
    """[t, n]: how badly a candidate fits. Infinite: it cannot come."""
    cost_rows: NDArray[np.int64]
    """[places]: which row of the costs is a place's."""
    vectors: FloatMatrix
    """[n, d]"""
    space: Space
    given: Mapping[int, int] = field(default_factory=dict)
    """Places that are taken already, each by a candidate."""
    smoothness: float = 0.0
    """What the distance from one track to the next costs."""
    guides: Guides | None = None

    @property
    def n_places(self) -> int:
        """How many tracks are wanted."""
        return len(self.cost_rows)


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """A part of a path: the places between two given tracks, both included."""

    first: int
    last: int
    start: FloatMatrix
    end: FloatMatrix
