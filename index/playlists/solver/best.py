"""What the engine finds, made good: the best of several ways to be guided, without any breach."""

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
"""No step of a path longer than so many usual ones: then no other way is tried."""


def best_order(
    courses: Sequence[Course], pool: Pool, rules: Rules, *, legs: Sequence[Leg]
) -> tuple[Course, Order]:
    """The first course whose order is whole and even; else the longest, evenest order."""
    tried: list[tuple[tuple[int, float], Course, Order]] = []
    for course in courses:
        order = _solved(course, pool, rules)
        uneven = steps_of(order, pool.vectors, course.space, legs=legs).unevenness
        tried.append(((len(order), -uneven), course, order))
        if len(order) == course.n_places and uneven <= EVEN_ENOUGH:
            break
    _, course, order = max(tried, key=lambda one: one[0])
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
    """A way that went ahead too fast leaves candidates behind: they are put where they belong."""
    guides = course.guides
    if guides is None:
        return order
    rows, places = list(order.rows), list(order.places)
    costs = course.costs.min(axis=0)
    while len(rows) < course.n_places:
        fitting = _between(guides, rows, places) & np.isfinite(costs)
        fitting[:, rows] = False
        gaps, found = np.nonzero(fitting)
        cheapest = np.argsort(costs[found], kind="stable")[:MAX_FILL_TRIES]
        for gap, row in zip(gaps[cheapest].tolist(), found[cheapest].tolist(), strict=True):
            at = gap + 1
            if keeps_rules([*rows[:at], row, *rows[at:]], pool, rules, course):
                rows.insert(at, row)
                places.insert(at, places[at])
                break
        else:
            break
    dropped = {row: reason for row, reason in order.dropped.items() if row not in rows}
    return Order(tuple(rows), tuple(_spread(places, course)), dropped)


def _between(guides: Guides, rows: list[int], places: list[int]) -> NDArray[np.bool_]:
    """Which candidates lie between each track and the next: [tracks - 1, n]."""
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
    """Whether an order breaks no rule, what was given apart."""
    given = set(course.given.values())
    books = Books(pool.marks, rules, given=given)
    for at, row in enumerate(rows):
        ahead = [other for other in rows[at + 1 : at + 1 + rules.spacing] if other in given]
        if row not in given and books.reason(row, ahead=ahead):
            return False
        books.place(row, is_given=row in given)
    return True


def _spread(places: list[int], course: Course) -> list[int]:
    """Places that grow one by one again, the given ones where they are."""
    for at in range(len(places) - 2, -1, -1):
        if places[at] >= places[at + 1] and places[at] not in course.given:
            places[at] = places[at + 1] - 1
    return places


def _without_breaches(order: Order, course: Course, pool: Pool, rules: Rules) -> Order:
    """Places that nobody could fill bring others together: what stands too close then goes."""
    if order.places == tuple(range(len(order))) or not rules.spacing:
        return order
    marks = [pool.marks[row] for row in order.rows]
    kept: list[int] = []
    for at, mark in enumerate(marks):
        is_given = order.places[at] in course.given
        near = kept[max(len(kept) - rules.spacing, 0) :]
        clashing = [other for other in near if is_related(mark, marks[other])]
        if not clashing:
            kept.append(at)
        elif is_given:
            kept = [one for one in kept if one not in clashing or order.places[one] in course.given]
            kept.append(at)
    if len(kept) == len(order):
        return order
    fewer = Order(
        tuple(order.rows[at] for at in kept), tuple(order.places[at] for at in kept), order.dropped
    )
    return _without_breaches(fewer, course, pool, rules)
