"""What the engine finds, made good: the best of several ways to be guided, without any breach."""

from collections.abc import Sequence

import numpy as np

from index.playlists.books import is_related
from index.playlists.course import Course
from index.playlists.courses import along
from index.playlists.engine import Order, solve
from index.playlists.exhaustive import MAX_CANDIDATES, longest_order
from index.playlists.pool import Pool
from index.playlists.routes import Leg
from index.playlists.rules import Rules
from index.vectors.distances import Space

EVEN_ENOUGH = 2.0
"""No step of a path longer than so many even ones: then no other way is tried."""


def best_order(
    courses: Sequence[Course], pool: Pool, rules: Rules, *, legs: Sequence[Leg]
) -> tuple[Course, Order]:
    """The first course whose order is whole and even; else the longest, evenest order."""
    tried: list[tuple[tuple[int, float], Course, Order]] = []
    for course in courses:
        order = _solved(course, pool, rules)
        gap = widest_gap(order, pool, course.space, legs=legs)
        tried.append(((len(order), -gap), course, order))
        if len(order) == course.n_places and gap <= EVEN_ENOUGH:
            break
    _, course, order = max(tried, key=lambda one: one[0])
    return course, order


def widest_gap(order: Order, pool: Pool, space: Space, *, legs: Sequence[Leg]) -> float:
    """The longest step on any leg of a path, in even steps; 0 without legs."""
    return max((gap for leg in legs for gap, _, _ in gaps_on(leg, order, pool, space)), default=0.0)


def gaps_on(leg: Leg, order: Order, pool: Pool, space: Space) -> list[tuple[float, int, int]]:
    """Each step on a leg: how long in even steps, from which row to which."""
    pairs = zip(order.rows, order.places, strict=True)
    rows = [row for row, place in pairs if leg.first <= place <= leg.last]
    shares = along(leg, pool.vectors[rows], space)[0]
    lengths = np.diff(shares) * max(len(rows) - 1, 1)
    return list(zip(lengths.tolist(), rows, rows[1:], strict=False))


def _solved(course: Course, pool: Pool, rules: Rules) -> Order:
    marks = pool.marks
    order = solve(course, marks, rules)
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
    return _without_breaches(order, course, pool, rules)


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
