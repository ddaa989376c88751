"""The solver for numbers that may only rise or fall: a beam search over several orders, as arrays.

At each place, each of the best candidates extends the order that it follows most cheaply. So the
orders end in different tracks, and if one reaches a dead end, others continue.

    place      0      1      2      3
               a ──── c ──── f ──── b        cost = fit to the place + step from the last track
                 ╲─── d ──── g ───╱          given tracks (a, b) are in all orders
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from index.playlists.solver.books import Books
from index.playlists.solver.greedy import Order
from index.playlists.solver.problem import Course, Guides
from index.playlists.solver.rules import Marks, Rules
from index.vectors.distances import FloatMatrix, distances_between

WIDTH = 16
"""The number of best candidates tried at each place; all are tried if none of them is allowed."""
ROUNDING = 1e-6
"""A smaller fall of a guide is ignored."""
MAX_TABLE = 2048
"""With at most this many candidates, all pairs of distances are computed once."""
NEVER = int(np.iinfo(np.int16).max)

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int16]


def solve_guided(course: Course, guides: Guides, marks: Marks, rules: Rules) -> Order:
    """The best order found; places without an allowed candidate are left out."""
    return _Growth(course, guides, marks, rules).run()


@dataclass(slots=True, eq=False)
class _Step:
    """One place of all orders: the chosen rows, the orders they extend, and the others."""

    rows: Rows
    parents: NDArray[np.intp]
    costs: FloatMatrix
    candidates: Rows | None = None
    without_rules: FloatMatrix | None = None
    """[orders before, candidates]: their costs if there were no rules."""
    is_forbidden: Flags | None = None

    def kept_out(self, order: int) -> list[int]:
        """Candidates that were cheaper for an order than the chosen one, but forbidden."""
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
        self._rising = _rising(guides)
        self._directions = guides.directions
        self._place_costs = _without_passing(course, guides)
        self._near_given = _given_ahead(course, rules)
        self._keys, self._limits, self._n_spaced = _numbered(marks, rules)
        counts = np.zeros((1, len(self._limits)), dtype=np.int16)
        for row in course.given.values():  # given tracks count from the start
            counts[0, self._keys[row]] += 1
        self._counts: Counts = counts
        n_candidates = np.bincount(self._keys.ravel(), minlength=len(self._limits))
        self._is_counting = bool(((n_candidates > self._limits) & (self._limits > 1)).any())
        """Whether counts are needed: some key has more candidates than a limit above one."""
        self._is_once = self._limits[self._keys] == 1
        self._until: Counts = np.where(counts >= self._limits, NEVER, 0).astype(np.int16)
        """The first position at which each key is allowed (again), for each order."""
        self._costs: FloatMatrix = np.zeros(1, dtype=np.float32)
        self._last: Rows = np.empty(0, dtype=np.int64)
        self._places: list[int] = []
        self._steps: list[_Step] = []
        self._tables: dict[bytes, FloatMatrix] = {}
        """The costs of all steps, by the guides' directions. One large product is faster than many
        small ones, which wait for threads each time.
        """

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
            self._costs = self._costs + self._steps_between(self._last, rows[:1], [])[:, 0]
        self._steps.append(_Step(rows, np.arange(len(rows)), self._costs))
        self._places.append(place)
        self._last = rows
        self._count(rows, is_given=True)

    def _fill(self, place: int, candidates: Rows) -> bool:
        """Extend the orders by candidates; False if none is allowed."""
        free = self._costs[:, None] + self._place_costs[place].take(candidates)
        if len(self._last):
            free += self._step_costs(place, candidates)
        forbidden = self._is_forbidden(place, candidates)
        totals = free.copy()
        totals[forbidden] = np.inf
        parents = totals.argmin(axis=0)
        best, rows = totals.min(axis=0), candidates
        if best.max() == np.inf or len(best) > WIDTH:
            chosen = np.argsort(best, kind="stable")[:WIDTH]
            chosen = chosen[best[chosen] < np.inf]
            if not len(chosen):
                return False
            parents, rows, best = parents[chosen], rows[chosen], best[chosen]
        self._costs = best
        self._steps.append(_Step(rows, parents, self._costs, candidates, free, forbidden))
        self._places.append(place)
        self._last = rows
        self._until = self._until.take(parents, axis=0)
        if self._is_counting:
            self._counts = self._counts[parents]
        self._count(rows)
        return True

    def _step_costs(self, place: int, candidates: Rows) -> FloatMatrix:
        """From the last track of each order to each candidate [orders, k]; infinite for a step
        backward.
        """
        n, rising = len(self._marks), self._rising[place]
        if n > MAX_TABLE:
            return self._steps_between(self._last, candidates, rising)
        key = self._directions[place].tobytes()
        if key not in self._tables:
            self._tables[key] = self._steps_between(np.arange(n), np.arange(n), rising)
        return self._tables[key][self._last[:, None], candidates]

    def _steps_between(
        self, rows: Rows, others: Rows, rising: Sequence[FloatMatrix]
    ) -> FloatMatrix:
        course = self._course
        vectors, smoothness = course.vectors, np.float32(course.smoothness)
        costs = smoothness * distances_between(course.space, vectors[rows], vectors[others])
        for values in rising:
            costs[values[others] < (values[rows] - ROUNDING)[:, None]] = np.inf
        return costs

    def _is_forbidden(self, place: int, candidates: Rows) -> Flags:
        """Whether a rule forbids a candidate in an order: [orders, k]."""
        keys = self._keys.take(candidates, axis=0)
        forbidden: Flags = np.logical_or.reduce(
            self._until.take(keys, axis=1) > len(self._places), axis=2
        )
        ahead = self._near_given.get(place)
        if ahead:
            n_spaced = self._n_spaced
            forbidden |= np.isin(keys[:, :n_spaced], self._keys[ahead, :n_spaced]).any(axis=1)
        return forbidden

    def _count(self, rows: Rows, *, is_given: bool = False) -> None:
        """Update the counts of each order by its new row."""
        keys, orders = self._keys[rows], np.arange(len(rows))[:, None]
        until = self._until[orders, keys]
        if self._rules.spacing:
            soonest = min(len(self._places) + self._rules.spacing, NEVER)
            spaced = until[:, : self._n_spaced]
            np.maximum(spaced, soonest, out=spaced)
        if not is_given and self._is_counting:
            counts = self._counts[orders, keys] + 1
            self._counts[orders, keys] = counts
            until[counts >= self._limits[keys]] = NEVER
        elif not is_given:
            until[self._is_once.take(rows, axis=0)] = NEVER
        self._until[orders, keys] = until

    def _cheapest(self) -> Order:
        """The cheapest order, traced back from its end, with the candidates that rules kept out."""
        order = int(self._costs.argmin())
        rows: list[int] = []
        kept_out: list[list[int]] = []
        for step in reversed(self._steps):
            rows.append(int(step.rows[order]))
            kept_out.append(step.kept_out(order))
            order = int(step.parents[order])
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


def _rising(guides: Guides) -> list[list[FloatMatrix]]:
    """For each place the values [n] that may only rise there; falling ones are negated."""
    signed = {sign: sign * guides.values for sign in (1, -1)}
    rising: list[list[FloatMatrix]] = [[] for _ in guides.directions]
    for place, guide in zip(*np.nonzero(guides.directions), strict=True):
        rising[place].append(signed[int(guides.directions[place, guide])][guide])
    return rising


def _without_passing(course: Course, guides: Guides) -> FloatMatrix:
    """Costs of each place [places, n]; infinite for candidates beyond the next given track."""
    costs = course.costs[course.cost_rows]
    first = 0
    for given_place, row in sorted(course.given.items()):
        for guide, sign in product(range(len(guides.values)), (1, -1)):
            values = sign * guides.values[guide]
            places = first + np.flatnonzero(guides.directions[first:given_place, guide] == sign)
            if len(places):
                costs[np.ix_(places, values > values[row] + ROUNDING)] = np.inf
        first = given_place + 1
    return costs


def _given_ahead(course: Course, rules: Rules) -> dict[int, list[int]]:
    """By place, the given tracks within the spacing after it."""
    ahead: dict[int, list[int]] = {}
    for given_place, row in sorted(course.given.items()):
        for place in range(max(given_place - rules.spacing, 0), given_place):
            ahead.setdefault(place, []).append(row)
    return ahead


def _numbered(marks: Marks, rules: Rules) -> tuple[Rows, Counts, int]:
    """The parts of each mark as numbers [n, parts], the limit of each number, and how many parts
    come first that may repeat after the spacing: the album and the artists.

    The song and the recording follow; they may not repeat. A mark of fewer artists than another
    has its first one several times, which counts once.
    """
    all_marks = marks.all()
    n_artists = max((len(mark.artists) for mark in all_marks), default=1)
    song_limit = NEVER if rules.allow_versions else 1
    artist_limit = rules.per_artist or NEVER
    by_part = (rules.per_album or NEVER, *[artist_limit] * n_artists, song_limit, 1)
    numbers: dict[object, int] = {}
    limits: list[int] = []
    keys: list[int] = []
    for mark in all_marks:
        artists = mark.artists + mark.artists[:1] * (n_artists - len(mark.artists))
        parts = (mark.album, *artists, mark.song, mark.recording)
        for key, limit in zip(parts, by_part, strict=True):
            number = numbers.get(key)
            if number is None:
                number = numbers[key] = len(limits)
                limits.append(min(limit, NEVER))
            keys.append(number)
    table = np.array(keys).reshape(-1, len(by_part))
    song = 1 + n_artists
    if len(np.unique(table[:, song])) == len(table):  # no song has two versions
        table = np.delete(table, song, axis=1)
    return table, np.array(limits, dtype=np.int16), 1 + n_artists
