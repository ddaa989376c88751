"""Choosing and ordering tracks for a mix together: a beam search over orders.

    order ─▶ the cheapest next tracks that the rules allow ─▶ keep the best orders ─▶ …

The rules (spacing, limits, one version of a song) always hold; if no track is allowed, the order
ends. A step whose tempo cannot be mixed costs more than all others together, so it is taken only
if no allowed candidate fits. Pure: arrays and marks in, rows out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.playlists.solver.books import Books
from index.playlists.solver.rules import Marks, Rules

Matrix = NDArray[np.float64]

BEAM_WIDTH = 24
BRANCHES = 6
CLASH_COST = 100.0
"""More than a step costs otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class MixChoice:
    """Candidates, and what they cost.

    rows: the rows of the candidates in the pool [m]; fits: the cost of each [m]; steps: the cost of
    each step [m, m]; clashes: whether the tempi of two cannot be mixed, or are unknown [m, m]
    """

    rows: tuple[int, ...]
    fits: Matrix
    steps: Matrix
    clashes: NDArray[np.bool_]
    marks: Marks
    rules: Rules

    def cost(self, order: list[int]) -> tuple[int, int, int, float]:
        """What to minimise: missing tracks, tracks too near, clashes, and all costs."""
        path = np.array(order, dtype=np.int64)
        pairs = path[:-1], path[1:]
        total = float(self.fits[path].sum() + self.steps[pairs].sum())
        return -len(order), self.n_too_near(order), int(self.clashes[pairs].sum()), total

    def n_too_near(self, order: list[int]) -> int:
        """How many tracks come too soon after one of their artist or album."""
        spacing = self.rules.spacing
        spaced = [set(self.marks[self.rows[at]].spaced) for at in order]
        return sum(
            any(not own.isdisjoint(other) for other in spaced[max(0, place - spacing) : place])
            for place, own in enumerate(spaced)
        )


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    cost: float
    order: tuple[int, ...]
    books: Books


def search_mix(choice: MixChoice, *, n_places: int, first: int | None) -> list[int]:
    """An order of at most `n_places` candidates; `first` comes first."""
    beam = [_State(0.0, (), Books(choice.marks, choice.rules))]
    if first is not None:
        beam = [_after(choice, beam[0], first, 0.0)]
    while len(beam[0].order) < n_places:
        options = sorted(
            (
                (state.cost + cost, number, at)
                for number, state in enumerate(beam)
                for cost, at in _next(choice, state)
            ),
        )
        if not options:
            break
        beam = [
            _after(choice, beam[number], at, total) for total, number, at in options[:BEAM_WIDTH]
        ]
    return list(beam[0].order)


def _next(choice: MixChoice, state: _State) -> list[tuple[float, int]]:
    """The cheapest next candidates that the rules allow, with their costs."""
    costs = choice.fits.copy()
    if state.order:
        last = state.order[-1]
        costs += choice.steps[last] + CLASH_COST * choice.clashes[last]
        costs[list(state.order)] = np.inf
    options: list[tuple[float, int]] = []
    for at in np.argsort(costs, kind="stable").tolist():
        if len(options) == (BRANCHES if state.order else BEAM_WIDTH) or costs[at] == np.inf:
            break
        if not state.books.reason(choice.rows[at]):
            options.append((float(costs[at]), at))
    return options


def _after(choice: MixChoice, state: _State, at: int, cost: float) -> _State:
    books = state.books.copy()
    books.place(choice.rows[at])
    return _State(cost, (*state.order, at), books)
