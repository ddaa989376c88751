"""From a route and its candidates to the solver's problem: costs, and guides against steps back.

On a leg of a path from u to w, a candidate c has a share of the way and a distance off it. With
straight lines (`chords`) D = |uw|, a = |uc| and b = |cw|, the law of cosines gives

    share = (D² + a² - b²) / 2D²        off² = a² - share² D²

in any space with distances.
"""

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from index.playlists.request import Shape
from index.playlists.solver.candidates import Pool
from index.playlists.solver.problem import Course, Guides, Leg
from index.playlists.ways.routes import Route
from index.vectors.distances import FloatMatrix, Space, chords, distances_between

EVENNESS = 4.0
STEP_EVENNESS = 0.03
"""The costs of being ahead of or behind the even steps, by the whole way and by one step, relative
to being off the way by its length."""
DISLIKE = 0.7
"""The weight of nearness to a dropped track, relative to nearness to a target."""
VARIETY = 0.3
"""The standard deviation of the noise, relative to that of the best candidates' costs."""
ARC_WEIGHT = 2.0
TEMPO_WEIGHT = 1.0
"""The cost of a tempo 6 % away from a given track, relative to the usual distance."""
NOTHING_TO_BE_NEAR = 1e-3
"""Smaller costs are only noise: the playlist has no targets."""


def near_targets(route: Route, pool: Pool, space: Space) -> FloatMatrix:
    """The distances of candidates from each target: [t, n]; zeros if there is no target."""
    if not len(route.targets):
        return np.zeros((1, len(pool)), dtype=np.float32)
    return distances_between(space, route.targets, pool.vectors)


def with_dislikes(
    costs: FloatMatrix, pool: Pool, dislikes: FloatMatrix, space: Space
) -> FloatMatrix:
    """Costs [t, n], raised near dropped tracks with vectors [m, d]."""
    if not len(dislikes):
        return costs
    apart = distances_between(space, dislikes, pool.vectors).min(axis=0)
    pushed: FloatMatrix = costs + DISLIKE * np.maximum(np.median(apart) - apart, 0)
    return pushed


def varied(costs: FloatMatrix, *, n_places: int, generator: np.random.Generator) -> FloatMatrix:
    """Costs with some noise, enough to swap candidates of similar rank."""
    best = costs.min(axis=0)
    best = np.sort(best[np.isfinite(best)])[: 2 * n_places + 2]
    spread = float(best.std()) if len(best) else 0.0
    noise = generator.standard_normal(costs.shape[1], dtype=np.float32)
    changed: FloatMatrix = costs + np.float32(VARIETY * (spread or 1e-3)) * noise
    return changed


def course_of(
    route: Route, pool: Pool, space: Space, *, costs: FloatMatrix, guides: Guides | None = None
) -> Course:
    """The solver's problem."""
    return Course(
        costs=costs,
        cost_rows=route.rows if len(route.targets) or len(costs) > 1 else np.zeros_like(route.rows),
        vectors=pool.vectors,
        space=space,
        given=route.given,
        smoothness=route.smoothness,
        guides=guides,
    )


def path_costs(route: Route, pool: Pool, space: Space) -> FloatMatrix:
    """How badly candidates fit each place of a path: [places, n]."""
    costs = np.zeros((len(route.rows), len(pool)), dtype=np.float32)
    for leg in route.legs:
        shares, off, _, _ = along(leg, pool.vectors, space)
        n_steps = leg.last - leg.first
        even_shares = np.linspace(0, 1, n_steps + 1, dtype=np.float32)[:, None]
        weight = np.float32(EVENNESS + STEP_EVENNESS * n_steps**2)
        costs[leg.first : leg.last + 1] = weight * (shares - even_shares) ** 2 + off**2
    return costs


def path_guides(route: Route, pool: Pool, space: Space, *, is_strict: bool) -> Guides:
    """Guides that only let the share of the way grow. Strict: the distance from the leg's start
    only grows, and the distance to its end only shrinks.
    """
    n_kinds = 2 if is_strict else 1
    n_guides = n_kinds * len(route.legs)
    values = np.zeros((n_guides, len(pool)), dtype=np.float32)
    directions = np.zeros((len(route.rows), n_guides), dtype=np.int8)
    for number, leg in enumerate(route.legs):
        shares, _, from_start, to_end = along(leg, pool.vectors, space)
        inside = slice(leg.first + 1, leg.last + 1)
        if is_strict:
            values[2 * number], values[2 * number + 1] = from_start, to_end
            directions[inside, 2 * number], directions[inside, 2 * number + 1] = 1, -1
        else:
            values[number] = shares
            directions[inside, number] = 1
    return Guides(values, directions)


def can_be_strict(route: Route, pool: Pool, space: Space) -> bool:
    """Whether each leg has enough candidates that follow each other strictly (`path_guides`)."""
    return all(
        _longest_chain(leg, pool.vectors, space) >= leg.last - leg.first - 1 for leg in route.legs
    )


def _longest_chain(leg: Leg, vectors: FloatMatrix, space: Space) -> int:
    """The most vectors that can follow each other, each farther from the start and nearer to the
    end: the longest increasing subsequence, by patience sorting (Fredman 1975).
    """
    shares, _, from_start, to_end = along(leg, vectors, space)
    inside = np.flatnonzero((shares > 0) & (shares < 1))
    ends: list[float] = []
    for nearness in (-to_end[inside[np.argsort(from_start[inside])]]).tolist():
        pile = bisect_right(ends, nearness)
        ends[pile : pile + 1] = [nearness]
    return len(ends)


def along(
    leg: Leg, vectors: FloatMatrix, space: Space
) -> tuple[FloatMatrix, FloatMatrix, FloatMatrix, FloatMatrix]:
    """The positions of vectors [n, d] on a leg: share of the way, distance off it (in lengths of
    the leg), straight lines from its start and to its end; [n] each.
    """
    ends = np.stack([leg.start, leg.end])
    from_start, to_end = chords(space, distances_between(space, ends, vectors))
    length = float(chords(space, distances_between(space, ends[:1], ends[1:]))[0, 0])
    if length < 1e-6:  # start and end are equal: only nearness counts
        return np.full_like(from_start, 0.5), from_start, from_start * 0, to_end * 0
    shares = 0.5 + (from_start**2 - to_end**2) / (2 * length**2)
    off = np.sqrt(np.maximum(from_start**2 - (shares * length) ** 2, 0)) / length
    return shares, off, from_start, to_end


def arc_course(
    shape: Shape, values: FloatMatrix, *, n_places: int, costs: FloatMatrix
) -> tuple[FloatMatrix, Guides]:
    """Costs [places, n] and guides of a playlist with values [n] that rise or fall.

    Places are spread over the ranks of the values, so that the playlist uses their whole range.
    """
    levels = _levels(shape, n_places)
    finite = np.isfinite(values)
    ranks = np.zeros(len(values), dtype=np.float32)
    in_order = np.sort(values[finite])
    middle = np.searchsorted(in_order, values[finite], "left") + np.searchsorted(
        in_order, values[finite], "right"
    )
    ranks[finite] = (middle - 1) / max(2 * len(in_order) - 2, 1)
    median = float(np.median(costs[np.isfinite(costs)]))
    if median < NOTHING_TO_BE_NEAR:
        median = 1.0
    spread: FloatMatrix = costs.min(axis=0) + ARC_WEIGHT * median * np.abs(levels[:, None] - ranks)
    spread = np.where(finite, spread, np.inf).astype(np.float32)
    directions = np.sign(np.diff(levels, prepend=levels[:1])).astype(np.int8)
    if n_places > 1:
        directions[0] = 0
    return spread, Guides(np.where(finite, values, 0).astype(np.float32)[None], directions[:, None])


def near_in_tempo(costs: FloatMatrix, tempi: NDArray[np.float64], *, n_given: int) -> FloatMatrix:
    """Costs [t, n], raised for candidates that no given track (the first rows) can be mixed with.

    tempi: [n]; half and double tempo are the same
    """
    octaves = np.log2(tempi)
    apart = np.abs(octaves[:, None] - octaves[:n_given])
    gaps = np.abs(apart - np.round(apart))
    nearest = np.where(np.isnan(gaps), 0.5, gaps).min(axis=1)
    usual = float(np.median(costs[np.isfinite(costs)]))
    farther = (TEMPO_WEIGHT * usual / np.log2(1.06) * nearest).astype(np.float32)
    raised: FloatMatrix = costs + farther
    return raised


def _levels(shape: Shape, n_places: int) -> FloatMatrix:
    """0…1 for each place."""
    way = np.linspace(0, 1, n_places, dtype=np.float32) if n_places > 1 else np.full(1, 0.5)
    match shape:
        case "rise":
            levels = way
        case "fall":
            levels = 1 - way
        case "peak":
            levels = 1 - np.abs(2 * way - 1)
        case "valley":
            levels = np.abs(2 * way - 1)
    rounded: FloatMatrix = levels.astype(np.float32)
    return rounded
