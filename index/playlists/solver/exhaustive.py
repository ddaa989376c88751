"""The last resort if an order ends early: search all orders by backtracking, within a budget.

The greedy solver may use up artists that the end needs. This search takes the artist with the most
remaining tracks first, and goes back when it is stuck. It is slow, and so used only for the few
candidates of a small library or a narrow filter.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from index.playlists.solver.books import is_related
from index.playlists.solver.rules import Marks, Rules

MAX_CANDIDATES = 200
MAX_STEPS = 20_000


def longest_order(
    marks: Marks,
    rules: Rules,
    *,
    n_wanted: int,
    costs: NDArray[np.floating],
    first: tuple[int, ...] = (),
) -> tuple[int, ...]:
    """The longest order of up to `n_wanted` candidates that starts with `first`.

    costs: [n]; the cheaper one is first among equals; an infinite one is never used.
    """
    return _Walk(marks, rules, n_wanted=n_wanted, costs=costs, first=first).longest()


class _Walk:
    def __init__(
        self,
        marks: Marks,
        rules: Rules,
        *,
        n_wanted: int,
        costs: NDArray[np.floating],
        first: tuple[int, ...],
    ) -> None:
        self._rules = rules
        self._n_wanted = n_wanted
        self._costs = costs.tolist()
        self._marks = [marks[row] for row in range(len(marks))]
        self._order = list(first)
        self._best = first
        self._n_left = MAX_STEPS
        self._rows = [int(row) for row in np.flatnonzero(np.isfinite(costs)) if row not in first]

    def longest(self) -> tuple[int, ...]:
        self._extend()
        return self._best

    def _extend(self) -> bool:
        """Whether the order is long enough, or the budget is spent."""
        if len(self._order) > len(self._best):
            self._best = tuple(self._order)
        if len(self._order) >= self._n_wanted:
            return True
        for row in self._possible():
            self._n_left -= 1
            if self._n_left <= 0:
                return True
            self._order.append(row)
            if self._extend():
                return True
            self._order.pop()
        return False

    def _possible(self) -> list[int]:
        rules, order, marks = self._rules, self._order, self._marks
        counts = Counter(key for row in order for key in marks[row].spaced)
        taken = {marks[row].recording for row in order}
        if not rules.allow_versions:
            taken |= {marks[row].song for row in order}
        recent = [marks[row] for row in order[max(len(order) - rules.spacing, 0) :]]
        left = [
            row
            for row in self._rows
            if marks[row].recording not in taken
            and marks[row].song not in taken
            and (
                rules.per_artist is None
                or all(counts[artist] < rules.per_artist for artist in marks[row].artists)
            )
            and (rules.per_album is None or counts[marks[row].album] < rules.per_album)
        ]
        n_left = Counter(artist for row in left for artist in marks[row].artists)
        possible = [
            row for row in left if not any(is_related(marks[row], other) for other in recent)
        ]
        possible.sort(
            key=lambda row: (
                -max(n_left[artist] for artist in marks[row].artists),
                self._costs[row],
            )
        )
        return possible
