"""The best order: try several guides, fill gaps, and remove tracks that break a rule."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from index.playlists.solver.books import Books, is_related
from index.playlists.solver.candidates import Pool
from index.playlists.solver.exhaustive import MAX_CANDIDATES, longest_order
from index.playlists.solver.greedy import Order, solve
from index.playlists.solver.guided import solve_guided
from index.playlists.solver.problem import Course, Guides, Leg
from index.playlists.solver.rules import Marks, Rules
from index.playlists.solver.steps import steps_of

MAX_FILL_TRIES = 200
EVEN_ENOUGH = 2.0
"""If no step of a path is longer than this many usual ones, no other guides are tried."""


def best_order(
    courses: Sequence[Course], pool: Pool, rules: Rules, *, legs: Sequence[Leg]
) -> tuple[Course, Order]:
    """The first course with a complete and even order; otherwise the longest, most even order."""
    tried: list[tuple[tuple[int, float], Course, Order]] = []
    for course in courses:
        order = _solved(course, pool, rules)
        unevenness = steps_of(order, pool.vectors, course.space, legs=legs).unevenness
        tried.append(((len(order), -unevenness), course, order))
        if len(order) == course.n_places and unevenness <= EVEN_ENOUGH:
            break
    _, course, order = max(tried, key=lambda candidate: candidate[0])
    return course, order


def _solved(course: Course, pool: Pool, rules: Rules) -> Order:
    marks = pool.marks
    order = _grown(course, marks, rules)
    is_small = course.guides is None and pool.is_whole and len(pool) <= MAX_CANDIDATES
    if len(order) < course.n_places and is_small:
        first = tuple(row for _, row in sorted(course.given.items()))
        rows = longest_order(
            marks,
            rules,
            n_wanted=course.n_places,
            costs=course.costs.min(axis=0),
            first=first,
        )
        if len(rows) > len(order):
            order = Order(rows, tuple(range(len(rows))), order.dropped)
    order = _without_breaches(order, course, pool, rules)
    return order if len(order) == course.n_places else _filled(order, course, pool, rules)


def _grown(course: Course, marks: Marks, rules: Rules) -> Order:
    if course.guides is None:
        return solve(course, marks, rules)
    return solve_guided(course, course.guides, marks, rules)


def _filled(order: Order, course: Course, pool: Pool, rules: Rules) -> Order:
    """Insert candidates that a path skipped because it advanced too fast."""
    guides = course.guides
    if guides is None:
        return order
    rows, places = list(order.rows), list(order.places)
    costs = course.costs.min(axis=0)
    while len(rows) < course.n_places:
        fitting = _between(guides, rows, places) & np.isfinite(costs)
        fitting[:, rows] = False
        gaps, candidates = np.nonzero(fitting)
        cheapest = np.argsort(costs[candidates], kind="stable")[:MAX_FILL_TRIES]
        for gap, row in zip(gaps[cheapest].tolist(), candidates[cheapest].tolist(), strict=True):
            position = gap + 1
            if keeps_rules([*rows[:position], row, *rows[position:]], pool, rules, course):
                rows.insert(position, row)
                places.insert(position, places[position])
                break
        else:
            break
    dropped = {row: reason for row, reason in order.dropped.items() if row not in rows}
    return Order(tuple(rows), tuple(_spread(places, course)), dropped)


def _between(guides: Guides, rows: list[int], places: list[int]) -> NDArray[np.bool_]:
    """Which candidates are between each track and the next: [tracks - 1, n]."""
    fitting = np.zeros((max(len(rows) - 1, 0), guides.values.shape[1]), dtype=np.bool_)
    for gap, (before, after) in enumerate(pairwise(rows)):
        signs = guides.directions[places[gap + 1]]
        used = np.flatnonzero(signs)
        values = signs[used, None] * guides.values[used]
        is_after = values >= values[:, before : before + 1]
        is_before = values <= values[:, after : after + 1]
        fitting[gap] = (is_after & is_before).all(axis=0) & bool(len(used))
    return fitting


def keeps_rules(rows: Sequence[int], pool: Pool, rules: Rules, course: Course) -> bool:
    """Whether an order breaks no rule, apart from its given tracks."""
    given = set(course.given.values())
    books = Books(pool.marks, rules, given=given)
    for position, row in enumerate(rows, start=1):
        ahead = [other for other in rows[position : position + rules.spacing] if other in given]
        if row not in given and books.reason(row, ahead=ahead):
            return False
        books.place(row, is_given=row in given)
    return True


def _spread(places: list[int], course: Course) -> list[int]:
    """Make places strictly ascending again; given tracks keep theirs."""
    for i in range(len(places) - 2, -1, -1):
        if places[i] >= places[i + 1] and places[i] not in course.given:
            places[i] = places[i + 1] - 1
    return places


def _without_breaches(order: Order, course: Course, pool: Pool, rules: Rules) -> Order:
    """Remove tracks that are too close to a related one because a place between stayed empty."""
    if order.places == tuple(range(len(order))) or not rules.spacing:
        return order
    marks = [pool.marks[row] for row in order.rows]
    positions: list[int] = []
    for position, mark in enumerate(marks):
        is_given = order.places[position] in course.given
        near = positions[max(len(positions) - rules.spacing, 0) :]
        clashing = [other for other in near if is_related(mark, marks[other])]
        if not clashing:
            positions.append(position)
        elif is_given:
            positions = [
                p for p in positions if p not in clashing or order.places[p] in course.given
            ]
            positions.append(position)
    if len(positions) == len(order):
        return order
    fewer = Order(
        tuple(order.rows[p] for p in positions),
        tuple(order.places[p] for p in positions),
        order.dropped,
    )
    return _without_breaches(fewer, course, pool, rules)
