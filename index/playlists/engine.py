"""The engine: the cheapest order of candidates that holds to all rules.

A beam search: place after place, every order that is kept is tried with every candidate, cheapest
first, and the B cheapest that its rules let through go on. One order is enough where any order can
go on; several are kept where a choice can lead into a dead end (`guides`).

    place      0      1      2      3
    order 1    a ──── c ──── f ──── b        cost = fit to the place + step from the last track
    order 2    a ──── d ──── c ──── b        given places (a, b) are taken before anything else
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from index.playlists.books import Books
from index.playlists.course import Course, Guides, distances_between
from index.playlists.rules import Marks, Rules
from index.vectors.distances import FloatMatrix

BEAM_WIDTH = 24
CANDIDATES_PER_PLACE = 96
"""With several orders, so many of the best fitting are tried first; all, where none of them can."""
FIRST_LOOK = 32
ROUNDING = 1e-6
"""A guide that falls by less has not fallen."""

Rows = NDArray[np.int64]


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


@dataclass(slots=True)
class _Growing:
    books: Books
    rows: list[int]
    cost: float

    def grown(self, row: int, cost: float) -> "_Growing":
        """A copy that goes on with a candidate."""
        books = self.books.copy()
        books.place(row)
        return _Growing(books, [*self.rows, row], cost)


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
        self._all = np.arange(len(marks))
        self._width = 1 if course.guides is None else BEAM_WIDTH
        books = Books(marks, rules, given=set(course.given.values()))
        self._orders = [_Growing(books, [], 0.0)]
        self._places: list[int] = []
        self._dropped: dict[int, str] = {}
        # With one order, what a limit forbids once it forbids for good: its costs become infinite.
        self._open = course.costs.copy() if self._width == 1 else course.costs
        self._steps = _Steps(course)

    def run(self) -> Order:
        course = self._course
        for place in range(course.n_places):
            if place in course.given:
                self._take_given(place)
            elif not self._fill(place) and course.guides is None:
                break  # no later place is easier to fill
        for place in sorted(course.given):
            if not self._places or place > self._places[-1]:
                self._take_given(place)
        best = min(self._orders, key=lambda order: order.cost)
        chosen = set(best.rows)
        dropped = {row: reason for row, reason in self._dropped.items() if row not in chosen}
        return Order(tuple(best.rows), tuple(self._places), dropped)

    def _take_given(self, place: int) -> None:
        row = self._course.given[place]
        for order in self._orders:
            order.books.place(row, is_given=True)
            order.rows.append(row)
            if self._width == 1:
                self._open[:, row] = np.inf
        self._places.append(place)

    def _fill(self, place: int) -> bool:
        if self._width == 1:
            return self._fill_one(place)
        costs = self._course.costs[self._course.cost_rows[place]]
        if len(costs) <= CANDIDATES_PER_PLACE:
            return self._fill_from(place, self._all)
        some = np.argpartition(costs, CANDIDATES_PER_PLACE)[:CANDIDATES_PER_PLACE]
        return self._fill_from(place, some) or self._fill_from(place, self._all)

    def _fill_one(self, place: int) -> bool:
        """With one order: the cheapest candidate that may come."""
        order, ahead = self._orders[0], self._given_ahead(place)
        totals = self._open[self._course.cost_rows[place]]
        if order.rows and self._course.smoothness:
            totals = totals + self._steps.from_row(order.rows[-1])
        for row in _cheapest_first(totals):
            reason = order.books.reason(row, ahead=ahead)
            if not reason:
                order.books.place(row)
                order.rows.append(row)
                self._open[:, row] = np.inf
                self._places.append(place)
                return True
            self._dropped.setdefault(row, reason)
            if reason != "spacing":
                self._open[:, row] = np.inf
        return False

    def _fill_from(self, place: int, candidates: Rows) -> bool:
        totals = self._totals(place, candidates).ravel()
        ahead = self._given_ahead(place)
        found: list[tuple[_Growing, int, float]] = []
        for at in _cheapest_first(totals):
            parent, column = divmod(at, len(candidates))
            order, row = self._orders[parent], int(candidates[column])
            if row in order.rows:
                continue
            reason = order.books.reason(row, ahead=ahead)
            if reason:
                self._dropped.setdefault(row, reason)
                continue
            found.append((order, row, float(totals[at])))
            if len(found) == self._width:
                break
        if not found:
            return False
        self._orders = [order.grown(row, cost) for order, row, cost in found]
        self._places.append(place)
        return True

    def _totals(self, place: int, candidates: Rows) -> NDArray[np.float64]:
        """What each order costs if it goes on with each candidate: [B, k]; infinite where guides
        forbid it.
        """
        course = self._course
        last = [order.rows[-1] for order in self._orders if order.rows]
        so_far = np.array([order.cost for order in self._orders])
        costs = course.costs[course.cost_rows[place], candidates]
        totals: NDArray[np.float64] = so_far[:, None] + costs[None]
        if course.smoothness and last:
            near = distances_between(course.space, course.vectors[last], course.vectors[candidates])
            totals += course.smoothness * near
        if course.guides is not None:
            totals[self._goes_back(course.guides, place, candidates, last)] = np.inf
        return totals

    def _goes_back(
        self, guides: Guides, place: int, candidates: Rows, last: list[int]
    ) -> NDArray[np.bool_]:
        """Whether a candidate would be a step backward, or make the next given track one."""
        back = np.zeros((len(self._orders), len(candidates)), dtype=np.bool_)
        later = next((row for p, row in sorted(self._course.given.items()) if p > place), None)
        for guide in np.flatnonzero(guides.directions[place]):
            values = guides.directions[place, guide] * guides.values[guide]
            if last:
                back |= values[candidates][None] < values[last][:, None] - ROUNDING
            if later is not None:
                back |= values[candidates] > values[later] + ROUNDING
        return back

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
