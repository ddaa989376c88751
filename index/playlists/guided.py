"""The engine where numbers may only rise or fall: many orders grow side by side, as arrays.

Place after place, each of the candidates that fit it best is put behind whichever of the kept
orders it follows most cheaply, so that the orders end in different tracks: one that runs into a
dead end leaves others that go on.

    place      0      1      2      3
               a ──── c ──── f ──── b        cost = fit to the place + step from the last track
                 ╲─── d ──── g ───╱          given places (a, b) are taken by all orders
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.playlists.books import Books
from index.playlists.course import Course, Guides, distances_between
from index.playlists.engine import Order
from index.playlists.rules import Marks, Rules
from index.vectors.distances import FloatMatrix

WIDTH = 20
"""So many of the best fitting are tried at each place; all, where none of them can come."""
ROUNDING = 1e-6
"""A guide that falls by less has not fallen."""
MAX_TABLE = 2048
"""So many candidates have all their distances worked out at once."""
NEVER = int(np.iinfo(np.int16).max)
N_SPACED = 2
"""Artist and album stand first among a candidate's keys: they come again, but not at once."""

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int16]


def solve_guided(course: Course, guides: Guides, marks: Marks, rules: Rules) -> Order:
    """The best order found; places that nobody can take are left out."""
    return _Growth(course, guides, marks, rules).run()


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """One place of all orders: who took it, behind which of the orders before, and who did not."""

    rows: Rows
    parents: NDArray[np.intp]
    costs: FloatMatrix
    candidates: Rows | None = None
    without_rules: FloatMatrix | None = None
    """[orders before, candidates]: what they would have cost."""
    is_forbidden: Flags | None = None

    def kept_out(self, order: int) -> list[int]:
        """Candidates that fitted an order better than what came, kept from it by rules."""
        if self.candidates is None or self.without_rules is None or self.is_forbidden is None:
            return []
        parent = self.parents[order]
        is_cheaper = self.without_rules[parent] < self.costs[order]
        rows: list[int] = self.candidates[is_cheaper & self.is_forbidden[parent]].tolist()
        return rows


class _Growth:
    def __init__(self, course: Course, guides: Guides, marks: Marks, rules: Rules) -> None:
        self._course = course
        self._marks = marks
        self._rules = rules
        self._guides = _active(guides)
        self._place_costs = _without_passing(course, guides)
        self._near_given = _given_ahead(course, rules)
        self._keys, self._limits = _numbered(marks, rules)
        counts = np.zeros((1, len(self._limits)), dtype=np.int16)
        for row in course.given.values():  # counts from the start, wherever it stands
            counts[0, self._keys[row]] += 1
        self._counts: Counts = counts
        self._until: Counts = np.where(counts >= self._limits, NEVER, 0).astype(np.int16)
        """The first position at which a key may come (again), for each order."""
        self._costs: FloatMatrix = np.zeros(1, dtype=np.float32)
        self._last: Rows = np.empty(0, dtype=np.int64)
        self._places: list[int] = []
        self._steps: list[_Step] = []
        self._apart: FloatMatrix | None = None
        if len(marks) <= MAX_TABLE:  # many small products of matrices wait for threads many times
            self._apart = np.float32(course.smoothness) * distances_between(
                course.space, course.vectors, course.vectors
            )

    def run(self) -> Order:
        course, n_candidates = self._course, len(self._marks)
        best = np.tile(np.arange(n_candidates), (course.n_places, 1))
        if n_candidates > WIDTH:
            best = np.argpartition(self._place_costs, WIDTH, axis=1)[:, :WIDTH]
        for place in range(course.n_places):
            if place in course.given:
                self._take_given(place)
            elif not self._fill(place, best[place]) and n_candidates > WIDTH:
                self._fill(place, np.arange(n_candidates))
        return self._cheapest()

    def _take_given(self, place: int) -> None:
        rows = np.full(len(self._costs), self._course.given[place], dtype=np.int64)
        if len(self._last):
            self._costs = self._costs + self._step_costs(rows[:1])[:, 0]
        self._steps.append(_Step(rows, np.arange(len(rows)), self._costs))
        self._places.append(place)
        self._last = rows
        self._count(rows, is_given=True)

    def _fill(self, place: int, candidates: Rows) -> bool:
        """Put candidates behind the orders; whether any could come."""
        free = self._costs[:, None] + self._place_costs[place, candidates]
        if len(self._last):
            free += self._step_costs(candidates)
            for values in self._guides[place]:
                free[values[candidates] < (values[self._last] - ROUNDING)[:, None]] = np.inf
        forbidden = self._is_forbidden(place, candidates)
        totals = np.where(forbidden, np.float32(np.inf), free)
        parents = totals.argmin(axis=0)
        best = totals[parents, np.arange(len(candidates))]
        chosen = (best < np.inf).nonzero()[0]
        if not len(chosen):
            return False
        if len(chosen) > WIDTH:
            chosen = chosen[np.argpartition(best[chosen], WIDTH)[:WIDTH]]
        parents, rows, self._costs = parents[chosen], candidates[chosen], best[chosen]
        self._steps.append(_Step(rows, parents, self._costs, candidates, free, forbidden))
        self._places.append(place)
        self._last = rows
        self._counts, self._until = self._counts[parents], self._until[parents]
        self._count(rows)
        return True

    def _step_costs(self, candidates: Rows) -> FloatMatrix:
        """From the last track of each order to each candidate: [orders, k]."""
        if self._apart is not None:
            return self._apart[self._last[:, None], candidates]
        vectors = self._course.vectors
        return np.float32(self._course.smoothness) * distances_between(
            self._course.space, vectors[self._last], vectors[candidates]
        )

    def _is_forbidden(self, place: int, candidates: Rows) -> Flags:
        """Whether a rule keeps a candidate from an order: [orders, k]."""
        keys = self._keys[candidates]
        forbidden: Flags = np.logical_or.reduce(self._until[:, keys] > len(self._places), axis=2)
        ahead = self._near_given.get(place)
        if ahead:
            forbidden |= np.isin(keys[:, :N_SPACED], self._keys[ahead, :N_SPACED]).any(axis=1)
        return forbidden

    def _count(self, rows: Rows, *, is_given: bool = False) -> None:
        """Take a row into the books of each order."""
        keys, orders = self._keys[rows], np.arange(len(rows))[:, None]
        until = self._until[orders, keys]
        if self._rules.spacing:
            soonest = min(len(self._places) + self._rules.spacing, NEVER)
            np.maximum(until[:, :N_SPACED], soonest, out=until[:, :N_SPACED])
        if not is_given:
            counts = self._counts[orders, keys] + 1
            self._counts[orders, keys] = counts
            until[counts >= self._limits[keys]] = NEVER
        self._until[orders, keys] = until

    def _cheapest(self) -> Order:
        """Back from the order that costs least, with what rules kept out of it on its way."""
        at = int(self._costs.argmin())
        rows: list[int] = []
        kept_out: list[list[int]] = []
        for step in reversed(self._steps):
            rows.append(int(step.rows[at]))
            kept_out.append(step.kept_out(at))
            at = int(step.parents[at])
        rows.reverse()
        kept_out.reverse()
        return Order(tuple(rows), tuple(self._places), self._reasons(rows, kept_out))

    def _reasons(self, rows: list[int], kept_out: list[list[int]]) -> dict[int, str]:
        given, chosen = set(self._course.given.values()), set(rows)
        books = Books(self._marks, self._rules, given=given)
        dropped: dict[int, str] = {}
        for place, row, others in zip(self._places, rows, kept_out, strict=True):
            ahead = self._near_given.get(place, [])
            for other in others:
                if other not in chosen and other not in dropped:
                    dropped[other] = books.reason(other, ahead=ahead)
            books.place(row, is_given=row in given)
        return {row: reason for row, reason in dropped.items() if reason}


def _active(guides: Guides) -> list[list[FloatMatrix]]:
    """For each place the numbers [n] that may only rise there; what may only fall is negated."""
    signed = {sign: sign * guides.values for sign in (1, -1)}
    found: list[list[FloatMatrix]] = [[] for _ in guides.directions]
    for place, guide in zip(*np.nonzero(guides.directions), strict=True):
        found[place].append(signed[int(guides.directions[place, guide])][guide])
    return found


def _without_passing(course: Course, guides: Guides) -> FloatMatrix:
    """Costs of each place [places, n]; infinite for what would make the step to the next given
    track one backward.
    """
    costs = course.costs[course.cost_rows]
    active = _active(guides)
    first = 0
    for given_place, row in sorted(course.given.items()):
        for place in range(first, given_place):
            for values in active[place]:
                costs[place, values > values[row] + ROUNDING] = np.inf
        first = given_place + 1
    return costs


def _given_ahead(course: Course, rules: Rules) -> dict[int, list[int]]:
    """By place, the given tracks that come so soon that its own must not be related to them."""
    found: dict[int, list[int]] = {}
    for given_place, row in sorted(course.given.items()):
        for place in range(max(given_place - rules.spacing, 0), given_place):
            found.setdefault(place, []).append(row)
    return found


def _numbered(marks: Marks, rules: Rules) -> tuple[Rows, Counts]:
    """The parts of each mark as numbers [n, 4], and how often each number may come."""
    song_limit = NEVER if rules.allow_versions else 1
    by_part = (rules.per_artist or NEVER, rules.per_album or NEVER, song_limit, 1)
    numbers: dict[object, int] = {}
    limits: list[int] = []
    keys: list[int] = []
    for mark in marks.all():
        parts = (mark.artist, mark.album, mark.song, mark.recording)
        for key, limit in zip(parts, by_part, strict=True):
            number = numbers.get(key)
            if number is None:
                number = numbers[key] = len(limits)
                limits.append(min(limit, NEVER))
            keys.append(number)
    return np.array(keys).reshape(-1, len(by_part)), np.array(limits, dtype=np.int16)
