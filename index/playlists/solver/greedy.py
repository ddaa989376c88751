"""The engine: the cheapest order of candidates that holds to all rules.

Place after place, the candidate that fits best and goes on best from the last track comes, if the
rules let it through. Any order can go on, so one is enough; where numbers may only rise or fall,
a choice can lead into a dead end, and `guided` keeps several.
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
    """Candidates in the order in which they play."""

    rows: tuple[int, ...]
    places: tuple[int, ...]
    """Which place each row took: places without any fitting candidate are left out."""
    dropped: dict[int, str] = field(default_factory=dict)
    """Candidates that fitted better than what came, and the rule that kept each out."""

    def __len__(self) -> int:
        return len(self.rows)


def solve(course: Course, marks: Marks, rules: Rules) -> Order:
    """The best order found; it may be shorter than the course where the rules leave nothing."""
    return _Search(course, marks, rules).run()


def blocked_at_end(
    order: Order, course: Course, marks: Marks, *, rules: Rules
) -> tuple[dict[int, str], Counter[str]]:
    """Why nothing can follow an order: what keeps each other candidate out, and how many each
    rule keeps out that no other rule would.
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
        found = books.reasons(row)
        if found:
            reasons[row] = found[0]
        if len(found) == 1:
            alone[found[0]] += 1
    return reasons, alone


class _Search:
    def __init__(self, course: Course, marks: Marks, rules: Rules) -> None:
        self._course = course
        self._spacing = rules.spacing
        self._books = Books(marks, rules, given=set(course.given.values()))
        self._rows: list[int] = []
        self._places: list[int] = []
        self._dropped: dict[int, str] = {}
        # What a limit forbids once it forbids for good: its costs become infinite.
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
        """Take the cheapest candidate that may come; whether there is one."""
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
        return [row for at, row in given if place < at <= place + self._spacing]


class _Steps:
    """What a step from a candidate to each other one costs."""

    def __init__(self, course: Course) -> None:
        self._course = course
        # A cosine distance is a constant less the inner product, and constants change no order.
        self._scaled: FloatMatrix | None = None
        if course.space.kind == "cosine" and course.smoothness:
            self._scaled = np.float32(-course.smoothness) * course.vectors

    def from_row(self, row: int) -> FloatMatrix:
        """To all candidates [n], but for a constant."""
        course = self._course
        if self._scaled is not None:
            steps: FloatMatrix = self._scaled @ course.vectors[row]
            return steps
        apart = distances_between(course.space, course.vectors[row : row + 1], course.vectors)[0]
        costs: FloatMatrix = np.float32(course.smoothness) * apart
        return costs


def _cheapest_first(totals: NDArray[np.floating]) -> Iterator[int]:
    """The positions of finite totals, cheapest first; sorted only as far as they are taken."""
    best = int(totals.argmin()) if len(totals) else 0
    if not len(totals) or totals[best] == np.inf:
        return
    yield best  # mostly that is all that is asked for
    n_done, n_wanted = 0, FIRST_LOOK
    while n_done < len(totals):
        if n_wanted >= len(totals):
            order = np.argsort(totals, kind="stable")
        else:
            order = np.argpartition(totals, n_wanted)[:n_wanted]
            order = order[np.argsort(totals[order], kind="stable")]
        for at in order[n_done:].tolist():
            if totals[at] == np.inf:
                return
            if at != best:
                yield at
        n_done, n_wanted = len(order), n_wanted * 8
