"""The engine: the cheapest order of candidates that holds to all rules.

A beam search: place after place, every order that is kept is tried with every candidate that its
rules let through, and the cheapest B go on. One order is enough where any order can go on; several
are kept where a choice can lead into a dead end (`guides`).

    place      0      1      2      3
    order 1    a ──── c ──── f ──── b        cost = fit to the place + step from the last track
    order 2    a ──── d ──── c ──── b        given places (a, b) are taken before anything else
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.playlists.course import Course, Guides, distances_between
from index.playlists.crowd import Crowd, Rows
from index.playlists.rules import REASONS, Marks, Rules

BEAM_WIDTH = 24
CANDIDATES_PER_PLACE = 96
"""With several orders, so many of the best fitting are tried first; all, where none of them can."""
ROUNDING = 1e-6
"""A guide that falls by less has not fallen."""


@dataclass(frozen=True, slots=True)
class Order:
    """Candidates in the order in which they play."""

    rows: tuple[int, ...]
    places: tuple[int, ...]
    """Which place each row took: places without any fitting candidate are left out."""
    cost: float

    def __len__(self) -> int:
        return len(self.rows)


class _Search:
    def __init__(self, course: Course, marks: Marks, rules: Rules) -> None:
        self._course = course
        self._rules = rules
        given = np.array(sorted(set(course.given.values())), dtype=np.int64)
        self._crowd = Crowd(marks, rules, given=given)
        self._all = np.arange(len(marks))
        self._width = 1 if course.guides is None else BEAM_WIDTH
        self._costs = np.zeros(1)
        self._last: Rows | None = None
        self._steps: list[tuple[int, Rows, Rows]] = []  # place, parents [B], chosen [B]

    def run(self) -> Order:
        course = self._course
        for place in range(course.n_places):
            if place in course.given:
                self._take_given(place)
            elif not self._fill(place) and course.guides is None:
                break  # no later place is easier to fill
        for place in sorted(course.given):
            if not self._steps or place > self._steps[-1][0]:
                self._take_given(place)
        return self._best()

    def _take_given(self, place: int) -> None:
        orders = np.arange(len(self._costs))
        chosen = np.full(len(orders), self._course.given[place], dtype=np.int64)
        self._crowd.place(chosen, is_given=True)
        self._steps.append((place, orders, chosen))
        self._last = chosen

    def _fill(self, place: int) -> bool:
        costs = self._course.costs[self._course.cost_rows[place]]
        if self._width == 1 or len(costs) <= CANDIDATES_PER_PLACE:
            return self._fill_from(place, self._all)
        some = np.sort(np.argpartition(costs, CANDIDATES_PER_PLACE)[:CANDIDATES_PER_PLACE])
        return self._fill_from(place, some) or self._fill_from(place, self._all)

    def _fill_from(self, place: int, candidates: Rows) -> bool:
        totals = self._totals(place, candidates)
        flat = totals.ravel()
        n_kept = min(self._width, int(np.isfinite(flat).sum()))
        if not n_kept:
            return False
        if n_kept == 1:
            best = np.array([int(flat.argmin())])
        else:
            best = np.argpartition(flat, n_kept - 1)[:n_kept]
            best = best[np.argsort(flat[best], kind="stable")]
        parents, columns = np.divmod(best, len(candidates))
        chosen = candidates[columns]
        self._crowd.branch(parents)
        self._crowd.place(chosen)
        self._costs = flat[best]
        self._steps.append((place, parents, chosen))
        self._last = chosen
        return True

    def _totals(self, place: int, candidates: Rows) -> NDArray[np.float64]:
        """What each order costs if it goes on with each candidate: [B, k]."""
        course = self._course
        costs = course.costs[course.cost_rows[place], candidates]
        totals: NDArray[np.float64] = self._costs[:, None] + costs[None]
        if course.smoothness and self._last is not None:
            near = distances_between(
                course.space, course.vectors[self._last], course.vectors[candidates]
            )
            totals = totals + course.smoothness * near
        ahead = _given_ahead(course, place, self._rules.spacing)
        for mask in self._crowd.reasons(candidates, ahead=ahead):
            totals[np.broadcast_to(mask, totals.shape)] = np.inf
        if course.guides is not None:
            totals[self._goes_back(course.guides, place, candidates)] = np.inf
        return totals

    def _goes_back(self, guides: Guides, place: int, candidates: Rows) -> NDArray[np.bool_]:
        """Whether a candidate would be a step backward, or make the next given track one."""
        back = np.zeros((len(self._costs), len(candidates)), dtype=np.bool_)
        later = next((row for p, row in sorted(self._course.given.items()) if p > place), None)
        for guide in np.flatnonzero(guides.directions[place]):
            sign = guides.directions[place, guide]
            values = sign * guides.values[guide]
            if self._last is not None:
                back |= values[candidates][None] < values[self._last][:, None] - ROUNDING
            if later is not None:
                back |= values[candidates] > values[later] + ROUNDING
        return back

    def _best(self) -> Order:
        order = int(self._costs.argmin())
        cost = float(self._costs[order])
        rows: list[int] = []
        for _, parents, chosen in reversed(self._steps):
            rows.append(int(chosen[order]))
            order = int(parents[order])
        return Order(tuple(rows[::-1]), tuple(step[0] for step in self._steps), cost)


def solve(course: Course, marks: Marks, rules: Rules) -> Order:
    """The best order found; it may be shorter than the course where the rules leave nothing."""
    return _Search(course, marks, rules).run()


def dropped_by(
    order: Order, course: Course, marks: Marks, *, rules: Rules
) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    """What each rule kept out of an order: candidates that fit a place better than what came.

    The second are those that each rule *alone* keeps from coming next, after the end.
    """
    given = set(course.given.values())
    crowd = Crowd(marks, rules, given=np.array(sorted(given), dtype=np.int64))
    codes = np.full(len(marks), -1, dtype=np.int8)
    everything = np.arange(len(marks))
    last: int | None = None
    for place, row in zip(order.places, order.rows, strict=True):
        if place not in course.given:
            costs = course.costs[course.cost_rows[place]]
            if course.smoothness and last is not None:
                steps = distances_between(course.space, course.vectors[last][None], course.vectors)
                costs = costs + course.smoothness * steps[0]
            better = np.flatnonzero((costs < costs[row]) & (codes < 0))
            ahead = _given_ahead(course, place, rules.spacing)
            masks = crowd.reasons(better, ahead=ahead)
            for code in reversed(range(len(REASONS))):
                codes[better[np.broadcast_to(masks[code], (1, len(better)))[0]]] = code
        crowd.place(np.array([row]), is_given=place in course.given)
        last = row
    chosen = set(order.rows)
    dropped = {
        reason: set(np.flatnonzero(codes == code).tolist()) - chosen
        for code, reason in enumerate(REASONS)
    }
    rest = np.setdiff1d(everything, list(chosen))
    rest = rest[np.isfinite(course.costs[:, rest]).any(axis=0)]
    masks = crowd.reasons(rest, ahead=rest[:0])
    at_end = np.stack([np.broadcast_to(mask, (1, len(rest)))[0] for mask in masks])
    is_alone = at_end.sum(axis=0) == 1
    alone = {
        reason: set(rest[at_end[code] & is_alone].tolist()) for code, reason in enumerate(REASONS)
    }
    return dropped, alone


def _given_ahead(course: Course, place: int, spacing: int) -> Rows:
    ahead = [row for given, row in course.given.items() if place < given <= place + spacing]
    return np.array(ahead, dtype=np.int64)
