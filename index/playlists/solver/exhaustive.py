"""The last resort where an order ended early: look at all orders, within a budget.

Taking the best fitting first can use up the artists that the end would have needed. This takes
whoever has most tracks left first, and goes back where it is stuck. Slow, so only for the few
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
    """An order of up to `n_wanted` candidates that goes on from `first`; the longest found.

    costs: [n]; the cheaper comes first among equals, an infinite one never.
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
        self._go_on()
        return self._best

    def _go_on(self) -> bool:
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
            if self._go_on():
                return True
            self._order.pop()
        return False

    def _possible(self) -> list[int]:
        rules, order, marks = self._rules, self._order, self._marks
        counts = Counter(key for row in order for key in (marks[row].artist, marks[row].album))
        taken = {marks[row].recording for row in order}
        if not rules.allow_versions:
            taken |= {marks[row].song for row in order}
        recent = [marks[row] for row in order[max(len(order) - rules.spacing, 0) :]]
        left = [
            row
            for row in self._rows
            if marks[row].recording not in taken
            and marks[row].song not in taken
            and (rules.per_artist is None or counts[marks[row].artist] < rules.per_artist)
            and (rules.per_album is None or counts[marks[row].album] < rules.per_album)
        ]
        n_left = Counter(marks[row].artist for row in left)
        possible = [
            row for row in left if not any(is_related(marks[row], other) for other in recent)
        ]
        possible.sort(key=lambda row: (-n_left[marks[row].artist], self._costs[row]))
        return possible
