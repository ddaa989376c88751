"""One attempt at a playlist with a number of tracks and some rules, with growing candidates."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from index.library_folder.open_library import OpenLibrary
from index.playlists.request import PlaylistRequest
from index.playlists.solver.best import EVEN_ENOUGH, best_order
from index.playlists.solver.candidates import Pool, gather, some_of
from index.playlists.solver.greedy import Order
from index.playlists.solver.problem import Course, Guides
from index.playlists.solver.rules import Rules
from index.playlists.solver.steps import PathSteps, steps_of
from index.playlists.ways import routes
from index.playlists.ways.arcs import numbers_of
from index.playlists.ways.costs import (
    NOTHING_TO_BE_NEAR,
    arc_course,
    can_be_strict,
    course_of,
    near_in_tempo,
    near_targets,
    path_costs,
    path_guides,
    varied,
    with_dislikes,
)
from index.playlists.ways.mixing import mix_tempi
from index.playlists.ways.routes import Route
from index.search.asked import QueryTrack
from index.taste.judging import LibraryPreference, taste_costs
from index.vectors.distances import FloatMatrix, distances_between
from index.vectors.store import IdArray

CANDIDATES_PER_TRACK = 2.5
MIN_CANDIDATES = 64
MIN_PREFERRED_CANDIDATES = 500
"""The listener's preference chooses among at least this many candidates."""
MIN_MIX_CANDIDATES, MIX_CANDIDATES_PER_TRACK = 200, 5
GROWTH = 4
MAX_GUIDED = 2000
"""More candidates make a path slower to find and no more even."""
N_LANDMARKS = 200
DEFAULT_SECONDS = 240.0


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A request with its tracks looked up."""

    library: OpenLibrary
    request: PlaylistRequest
    given: list[QueryTrack]
    likes: FloatMatrix
    dislikes: FloatMatrix
    banned: Mapping[int, str]
    """Tracks that must not be in the playlist, and by which rule."""
    allowed: IdArray | None
    n_wanted: int
    rules: Rules
    seed: int
    preference: LibraryPreference | None = None
    """The listener's, if the request has a taste and events show one."""
    variant: int = 0
    """Gives another choice with the same seed."""


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """The result of a task."""

    task: Task
    pool: Pool
    route: Route
    course: Course
    order: Order
    left_out: dict[str, int]
    """The number of candidates that rules about single tracks kept out."""
    numbers: Mapping[int, float]
    """The values of an arc's field."""
    is_short: bool

    @property
    def seconds(self) -> float:
        """The playing time."""
        return sum(self.pool.tracks[row].duration_seconds or 0.0 for row in self.order.rows)

    @property
    def longest_seconds(self) -> float:
        """The length of its longest track."""
        lengths = [self.pool.tracks[row].duration_seconds or 0.0 for row in self.order.rows]
        return max(lengths, default=0.0)

    @property
    def mean_seconds(self) -> float:
        """The mean length of its tracks."""
        return (
            self.seconds / len(self.order) if len(self.order) and self.seconds else DEFAULT_SECONDS
        )

    @property
    def merit(self) -> tuple[int, float]:
        """For comparing attempts: longer is better, then more even by at least a tenth."""
        return len(self.order), -round(10 * math.log(max(self.steps.unevenness, 0.1)))

    @property
    def steps(self) -> PathSteps:
        """The steps of a path; empty for other playlists."""
        vectors, space = self.pool.vectors, self.course.space
        return steps_of(self.order, vectors, space, legs=self.route.legs)

    def cut_to(self, seconds: float) -> "Attempt":
        """Without the last tracks beyond a playing time; a path stays whole."""
        rows, places = list(self.order.rows), list(self.order.places)
        if self.course.guides is not None:
            return self
        total = self.seconds
        while rows and places[-1] not in self.course.given:
            last = self.pool.tracks[rows[-1]].duration_seconds or 0.0
            if abs(total - last - seconds) > abs(total - seconds):
                break
            total -= last
            rows.pop()
            places.pop()
        was_cut = len(rows) < len(self.order)
        order = Order(tuple(rows), tuple(places), self.order.dropped)
        return replace(self, order=order, is_short=self.is_short and not was_cut)


def solve_task(task: Task) -> Attempt:
    """The best order; candidates are added while it is too short or too uneven."""
    n_pool = max(round(CANDIDATES_PER_TRACK * task.n_wanted), MIN_CANDIDATES)
    if task.preference is not None:
        n_pool = max(n_pool, MIN_PREFERRED_CANDIDATES)
    if task.request.mix:
        n_pool = max(n_pool, MIN_MIX_CANDIDATES, MIX_CANDIDATES_PER_TRACK * task.n_wanted)
    best: Attempt | None = None
    while True:
        attempt = _attempt(task, n_pool)
        is_better = best is None or attempt.merit > best.merit
        # Stop if more candidates give no better path.
        if best is not None and not is_better and not best.is_short:
            return best
        best = attempt if best is None or is_better else best
        is_uneven = attempt.steps.unevenness > EVEN_ENOUGH
        is_all_seen = attempt.pool.is_whole or "min-score" in attempt.left_out
        is_enough = attempt.course.guides is not None and n_pool >= MAX_GUIDED
        if not (attempt.is_short or is_uneven) or is_all_seen or is_enough:
            return best
        n_pool *= GROWTH


def _attempt(task: Task, n_pool: int) -> Attempt:
    library, request = task.library, task.request
    generator = np.random.default_rng([task.seed, task.variant])
    route = _route(task, generator)
    pool = gather(
        library,
        route.targets,
        n_wanted=n_pool,
        given=task.given,
        allowed=task.allowed,
        banned=task.banned.keys(),
        generator=generator,
    )
    space = library.space
    near = near_targets(route, pool, space)
    costs = path_costs(route, pool, space) if route.legs else near
    costs = with_dislikes(costs, pool, task.dislikes, space)
    costs = _preferred(task, pool, near, costs)
    costs = varied(costs, n_places=task.n_wanted, generator=generator)
    guides: list[Guides | None] = [None]
    numbers: Mapping[int, float] = {}
    left_out: dict[str, int] = {}
    if request.arc is not None:
        numbers = numbers_of(library, request.arc.field, pool.tracks)
        values = np.array([numbers.get(track.id, np.nan) for track in pool.tracks], np.float32)
        left_out[f"no {request.arc.field}"] = int(np.isnan(values).sum())
        costs, guide = arc_course(request.arc.shape, values, n_places=task.n_wanted, costs=costs)
        route = replace(route, rows=np.arange(task.n_wanted), smoothness=0.1)
        guides = [guide]
    elif route.legs:
        kinds = (True, False) if can_be_strict(route, pool, space) else (False,)
        guides = [path_guides(route, pool, space, is_strict=strict) for strict in kinds]
    elif request.mix and task.given:
        costs = near_in_tempo(costs, mix_tempi(library, pool.tracks), n_given=len(task.given))
    costs = _without_misfits(task, pool, near, costs, left_out)
    courses = [course_of(route, pool, space, costs=costs, guides=guide) for guide in guides]
    course, order = best_order(courses, pool, task.rules, legs=route.legs)
    is_short = len(order) < task.n_wanted
    left_out = {reason: count for reason, count in left_out.items() if count}
    return Attempt(task, pool, route, course, order, left_out, numbers, is_short)


def _preferred(task: Task, pool: Pool, near: FloatMatrix, costs: FloatMatrix) -> FloatMatrix:
    """Costs [t, n], lower for tracks that the listener's events speak for."""
    if task.preference is None or not len(pool):
        return costs
    # Without a target all are equally near: then the distances from one track give the scale.
    nearest = near.min(axis=0)
    space = task.library.space
    is_free = float(nearest.std()) < NOTHING_TO_BE_NEAR
    spread = distances_between(space, pool.vectors[:1], pool.vectors) if is_free else nearest
    ids = np.array([track.id for track in pool.tracks], dtype=np.int64)
    added = taste_costs(
        task.library, task.preference, ids, pool.vectors, taste=task.request.taste
    ) * float(spread.std())
    preferred: FloatMatrix = (costs + added - added.min()).astype(np.float32)
    return preferred


def _route(task: Task, generator: np.random.Generator) -> Route:
    library, request = task.library, task.request
    space, n_places = library.space, task.n_wanted
    if request.to is not None:
        return routes.path(space, space.to_unit(task.likes), n_places=n_places)
    given = {place: place for place in range(len(task.given))}
    if not len(task.likes):
        return routes.chain(library.model.embedding_size, n_places=n_places)
    likes = space.to_unit(task.likes)
    if request.drift is None:
        return replace(routes.tour(space, likes, n_places=n_places), given=given)
    possible = library.store.ids() if task.allowed is None else task.allowed
    landmarks = library.vectors(some_of(possible, N_LANDMARKS, generator))
    walk = routes.drift(
        space,
        likes,
        landmarks=landmarks,
        pace=request.drift,
        n_places=n_places,
        generator=generator,
    )
    return replace(walk, given=given)


def _without_misfits(
    task: Task, pool: Pool, near: FloatMatrix, costs: FloatMatrix, left_out: dict[str, int]
) -> FloatMatrix:
    """Infinite costs for candidates that cannot be used; counts them by reason."""
    request = task.request
    misfits = np.zeros(len(pool), dtype=np.bool_)
    if request.minutes is not None:
        misfits |= np.isnan(pool.durations)
        left_out["unknown-length"] = int(misfits[len(task.given) :].sum())
    if request.min_score is not None:
        scores = task.library.scoring.scores(near.min(axis=0))
        is_below = (scores < request.min_score) & ~misfits
        left_out["min-score"] = int(is_below[len(task.given) :].sum())
        misfits |= is_below
    misfits[: len(task.given)] = False
    return np.where(misfits, np.float32(np.inf), costs) if misfits.any() else costs
