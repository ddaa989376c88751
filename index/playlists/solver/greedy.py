"""The greedy solver: fill the places one after another with the cheapest allowed candidate.

The cost is the fit to the place plus the step from the last track. One order is enough here; if
numbers may only rise or fall, a choice can lead to a dead end, and `guided` keeps several orders.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from index.playlists.solver.books import Books
from index.playlists.solver.problem import Course
from index.playlists.solver.rules import Marks, Rules
from index.vectors.distances import FloatMatrix, distances_between

FIRST_LOOK = 32


@dataclass(frozen=True, slots=True)
class Order:
    """Candidates in playing order."""

    rows: tuple[int, ...]
    places: tuple[int, ...]
    """The place of each row; a place without an allowed candidate is left out."""
    dropped: dict[int, str] = field(default_factory=dict)
    """Candidates that were cheaper than the chosen ones, and the rule that kept each out."""

    def __len__(self) -> int:
        return len(self.rows)


def solve(course: Course, marks: Marks, rules: Rules) -> Order:
    """The order of the course; it is shorter if the rules leave no candidate."""
    return _Search(course, marks, rules).run()


def blocked_at_end(
    order: Order, course: Course, marks: Marks, *, rules: Rules
) -> tuple[dict[int, str], Counter[str]]:
    """Why an order cannot continue: the rule that keeps each candidate out, and the number of
    candidates that each rule alone keeps out.
    """
    given = set(course.given.values())
    books = Books(marks, rules, given=given)
    for row in order.rows:
        books.place(row, is_given=row in given)
    reasons: dict[int, str] = {}
    alone: Counter[str] = Counter()
    for row in np.flatnonzero(np.isfinite(course.costs).any(axis=0)).tolist():
        if row in order.rows:
            continue
        row_reasons = books.reasons(row)
        if row_reasons:
            reasons[row] = row_reasons[0]
        if len(row_reasons) == 1:
            alone[row_reasons[0]] += 1
    return reasons, alone


class _Search:
    def __init__(self, course: Course, marks: Marks, rules: Rules) -> None:
        self._course = course
        self._spacing = rules.spacing
        self._books = Books(marks, rules, given=set(course.given.values()))
        self._rows: list[int] = []
        self._places: list[int] = []
        self._dropped: dict[int, str] = {}
        # A candidate that a limit forbids once is forbidden for good: its costs become infinite.
        self._open = course.costs.copy()
        self._steps = _Steps(course)

    def run(self) -> Order:
        course = self._course
        for place in range(course.n_places):
            if place in course.given:
                self._take_given(place)
            elif not self._fill(place):
                break  # no later place is easier to fill
        for place in sorted(course.given):
            if not self._places or place > self._places[-1]:
                self._take_given(place)
        chosen = set(self._rows)
        dropped = {row: reason for row, reason in self._dropped.items() if row not in chosen}
        return Order(tuple(self._rows), tuple(self._places), dropped)

    def _take_given(self, place: int) -> None:
        row = self._course.given[place]
        self._books.place(row, is_given=True)
        self._take(place, row)

    def _take(self, place: int, row: int) -> None:
        self._rows.append(row)
        self._places.append(place)
        self._open[:, row] = np.inf

    def _fill(self, place: int) -> bool:
        """Take the cheapest allowed candidate; False if there is none."""
        ahead = self._given_ahead(place)
        totals = self._open[self._course.cost_rows[place]]
        if self._rows and self._course.smoothness:
            totals = totals + self._steps.from_row(self._rows[-1])
        for row in _cheapest_first(totals):
            reason = self._books.reason(row, ahead=ahead)
            if not reason:
                self._books.place(row)
                self._take(place, row)
                return True
            self._dropped.setdefault(row, reason)
            if reason != "spacing":
                self._open[:, row] = np.inf
        return False

    def _given_ahead(self, place: int) -> list[int]:
        if not self._spacing or not self._course.given:
            return []
        given = self._course.given.items()
        return [row for given_place, row in given if 0 < given_place - place <= self._spacing]


class _Steps:
    """The cost of a step from a candidate to each other one."""

    def __init__(self, course: Course) -> None:
        self._course = course
        # A cosine distance is 1 minus the inner product; the constant does not change the order.
        self._scaled: FloatMatrix | None = None
        if course.space.kind == "cosine" and course.smoothness:
            self._scaled = np.float32(-course.smoothness) * course.vectors

    def from_row(self, row: int) -> FloatMatrix:
        """The costs of steps to all candidates [n], up to a constant."""
        course = self._course
        if self._scaled is not None:
            steps: FloatMatrix = self._scaled @ course.vectors[row]
            return steps
        apart = distances_between(course.space, course.vectors[row : row + 1], course.vectors)[0]
        costs: FloatMatrix = np.float32(course.smoothness) * apart
        return costs


def _cheapest_first(totals: NDArray[np.floating]) -> Iterator[int]:
    """The positions of finite totals, cheapest first; sorted lazily."""
    best = int(totals.argmin()) if len(totals) else 0
    if not len(totals) or totals[best] == np.inf:
        return
    yield best  # usually the only one that is needed
    n_done, n_sorted = 0, FIRST_LOOK
    while n_done < len(totals):
        if n_sorted >= len(totals):
            order = np.argsort(totals, kind="stable")
        else:
            order = np.argpartition(totals, n_sorted)[:n_sorted]
            order = order[np.argsort(totals[order], kind="stable")]
        for position in order[n_done:].tolist():
            if totals[position] == np.inf:
                return
            if position != best:
                yield position
        n_done, n_sorted = len(order), n_sorted * 8
