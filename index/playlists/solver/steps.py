"""The lengths of a path's steps, and which of them are long enough to report. Pure.

On a leg of length D with n steps, an even step is D / n. The usual step is the larger of the even
step and the path's median step. A step is long if it is 1.5 times the usual one; or if it is longer
than the distance of two typical candidates, and 1.5 times the even step. Lengths are straight lines
(`chords`): 1.5 times the length is 2.25 times the cosine distance.
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
        """The usual length of each step."""
        middle = np.median(self.lengths) if len(self.lengths) else 0.0
        return np.maximum(self.even, np.float32(middle))

    @property
    def unevenness(self) -> float:
        """The longest step, in usual steps; 0 without steps."""
        return float((self.lengths / self.usual).max(initial=0.0)) if len(self.lengths) else 0.0

    def long(self, far_apart: float) -> list[int]:
        """The positions of the long steps; `far_apart`: the distance of typical candidates."""
        is_far = (self.lengths > far_apart) & (self.lengths > LONG_STEP * self.even)
        is_long = is_far | (self.lengths > LONG_STEP * self.usual)
        positions: list[int] = np.flatnonzero(is_long).tolist()
        return positions


def steps_of(order: Order, vectors: FloatMatrix, space: Space, *, legs: Sequence[Leg]) -> PathSteps:
    """The steps of an order of candidates with vectors [n, d]; empty without legs."""
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
    """The median distance between two of the vectors [n, d]."""
    some = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), MAX_COMPARED)).astype(int)]
    apart = chords(space, distances_between(space, some, some))
    return float(np.median(apart[~np.eye(len(some), dtype=np.bool_)])) if len(some) > 1 else 0.0
