"""How long the steps of a path are, and which of them a listener should be told of. Pure.

On a leg of length D with n steps an even step is D / n, but none is shorter than neighbours are
apart: usual is the longer of an even step and the middle one of the path. A step is long that is
half as long again as usual, or as far as any two candidates lie apart where even ones are shorter.
Lengths are straight lines (`chords`): half as long again is a cosine distance 2.25 times as great.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.playlists.solver.greedy import Order
from index.playlists.solver.problem import Leg
from index.vectors.distances import FloatMatrix, Space, chords, distances_between, stepwise

LONG_STEP = 1.5
"""In usual steps, or in even ones."""
MAX_COMPARED = 64


@dataclass(frozen=True, slots=True, eq=False)
class PathSteps:
    """The steps of a path as straight lines, [tracks - 1] each."""

    lengths: FloatMatrix
    even: FloatMatrix
    """An even step of the leg that each is on."""

    @property
    def usual(self) -> FloatMatrix:
        """What is usual where each step is."""
        middle = np.median(self.lengths) if len(self.lengths) else 0.0
        return np.maximum(self.even, np.float32(middle))

    @property
    def unevenness(self) -> float:
        """The longest step in usual ones; 0 where there is none."""
        return float((self.lengths / self.usual).max(initial=0.0)) if len(self.lengths) else 0.0

    def long(self, far_apart: float) -> list[int]:
        """Which steps are long, where any two candidates lie so far apart."""
        is_far = (self.lengths > far_apart) & (self.lengths > LONG_STEP * self.even)
        found = np.flatnonzero(is_far | (self.lengths > LONG_STEP * self.usual))
        positions: list[int] = found.tolist()
        return positions


def steps_of(order: Order, vectors: FloatMatrix, space: Space, *, legs: Sequence[Leg]) -> PathSteps:
    """The steps of an order of candidates with vectors [n, d]; none where there are no legs."""
    if not legs or len(order) < 2:
        return PathSteps(np.empty(0, np.float32), np.empty(0, np.float32))
    lengths = chords(space, stepwise(space, vectors[list(order.rows)]))
    ends = np.array(order.places[1:])
    even = np.empty_like(lengths)
    for leg in legs:
        is_on = (ends > leg.first) & (ends <= leg.last)
        whole = chords(space, distances_between(space, leg.start[None], leg.end[None]))[0, 0]
        even[is_on] = max(whole, 1e-6) / max(int(is_on.sum()), 1)
    return PathSteps(lengths, even)


def far_apart(vectors: FloatMatrix, space: Space) -> float:
    """How far two of the vectors [n, d] usually lie apart."""
    some = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), MAX_COMPARED)).astype(int)]
    apart = chords(space, distances_between(space, some, some))
    return float(np.median(apart[~np.eye(len(some), dtype=np.bool_)])) if len(some) > 1 else 0.0
