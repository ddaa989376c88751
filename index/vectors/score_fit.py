"""Fit the scores of a library to its own labels and artists.

    query tracks ─▶ pairs with their nearest and with random tracks ─▶ logistic regression on a
                    falling line with knots                            (the model's curve as prior)

Pairs are many far ones and few near ones, and the near ones are those that a list shows. So each
query counts once in each octave of the rank: among its nearest, its two to three next, its four to
seven next, and so on up to the farther half of the library. The pairs of one query are not
independent, which this also allows for: a thousand pairs of one query in an octave weigh as much as
one. With few queries the curve stays near the model's own. Pure: arrays in, a curve out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.vectors.score_curve import AT_ZERO, LEAST_FALL, ScoreCurve, Values, falling_curve

N_LINES = 12
"""Between knots; each holds the same share of the weights."""
SPREAD_OF_LEVEL = 0.5
"""In nats: how far the log-odds of a library usually are from what its model's curve expects."""
SPREAD_OF_FALL = 0.25
"""The same for the fall from knot to knot."""
N_STEPS = 50
STEP_SIZES = tuple(0.5**power for power in range(12))
LEAST_GAIN = 1e-6
N_BINS = 1000
"""The fit sees pairs of nearly equal distance as one, so that its time does not grow with them."""


@dataclass(frozen=True, slots=True, eq=False)
class ScorePairs:
    """Pairs of a query and another track, float64 and bool [n]."""

    distances: Values
    is_alike: NDArray[np.bool_]
    """Whether they share a label or an artist."""
    weights: Values
    """Of each pair in the fit; 0: it does not count there."""
    is_random: NDArray[np.bool_]
    """Whether the other track was chosen at random."""

    def __len__(self) -> int:
        return len(self.distances)


def octave_weights(queries: NDArray[np.integer], ranks: Values) -> Values:
    """A weight for each pair: all pairs of a query in an octave of the rank sum to one.

    queries: int [n], the query of each pair; ranks: from 1, may be estimates [n].
    """
    octaves = np.floor(np.log2(np.maximum(ranks, 1.0))).astype(np.int64)
    cells = queries * (int(octaves.max(initial=0)) + 1) + octaves
    _, cell_of, sizes = np.unique(cells, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / sizes[cell_of])


def fit_score_curve(pairs: ScorePairs, prior: ScoreCurve, *, n_lines: int = N_LINES) -> ScoreCurve:
    """The most probable curve; the prior itself if there are no pairs."""
    if not (pairs.weights > 0).any():
        return prior
    distances, alike, unlike = _binned(pairs)
    knots = _knots(distances, alike + unlike, n_lines)
    if len(knots) < 2:
        return prior
    expected = prior.log_odds_at(knots)
    start = np.concatenate([[expected[0]], np.maximum(-np.diff(expected), LEAST_FALL)])
    spread = np.concatenate([[SPREAD_OF_LEVEL], np.full(len(knots) - 1, SPREAD_OF_FALL)])
    ones = np.ones((len(distances), 1))
    design = np.concatenate([ones, -_steps(distances, knots)], axis=1)
    level, *falls = _fitted(design, alike, unlike, start=start, spread=spread)
    return _with_ends(knots, level - np.concatenate([[0.0], np.cumsum(falls)]))


def _fitted(
    design: Values, alike: Values, unlike: Values, *, start: Values, spread: Values
) -> Values:
    """The parameters of the least loss, all but the first at least `LEAST_FALL`.

    Newton's method, projected (Bertsekas 1982): a fall at its bound that would sink is left out of
    the step. The loss is convex.
    """

    def loss_at(parameters: Values) -> float:
        log_odds = design @ parameters
        off = (parameters - start) / spread
        misfit = alike @ np.logaddexp(0, -log_odds) + unlike @ np.logaddexp(0, log_odds)
        return float(misfit + off @ off / 2)

    bounds = np.full(len(start), LEAST_FALL)
    bounds[0] = -np.inf
    parameters, loss = start, loss_at(start)
    for _ in range(N_STEPS):
        scores = 1 / (1 + np.exp(np.clip(-(design @ parameters), -500, 500)))
        totals = alike + unlike
        gradient = design.T @ (totals * scores - alike) + (parameters - start) / spread**2
        curvature = (design.T * (totals * scores * (1 - scores))) @ design + np.diag(1 / spread**2)
        free = ~((parameters <= bounds) & (gradient > 0))
        step = np.zeros(len(start))
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        for size in STEP_SIZES:
            candidate = np.maximum(parameters - size * step, bounds)
            if (lower := loss_at(candidate)) < loss:
                break
        else:
            return parameters
        gain, parameters, loss = loss - lower, candidate, lower
        if gain < LEAST_GAIN:
            break
    return parameters


def _knots(distances: Values, weights: Values, n_lines: int) -> Values:
    """Distances that divide the weights into equal shares, ascending."""
    shares = np.cumsum(weights)
    places = np.linspace(0.02, 0.98, n_lines + 1) * shares[-1]
    knots = distances[np.minimum(np.searchsorted(shares, places), len(distances) - 1)]
    return np.asarray(np.unique(knots))


def _binned(pairs: ScorePairs) -> tuple[Values, Values, Values]:
    """Ascending distances, and the weights of alike and of other pairs near them."""
    order = np.argsort(pairs.distances, kind="stable")
    weights, is_alike = pairs.weights[order], pairs.is_alike[order]
    shares = np.cumsum(weights)
    bins = np.minimum((shares / shares[-1] * N_BINS).astype(np.int64), N_BINS - 1)
    totals = np.bincount(bins, weights, N_BINS)
    alike = np.bincount(bins, weights * is_alike, N_BINS)
    distances = np.bincount(bins, weights * pairs.distances[order], N_BINS)
    filled = totals > 0
    return (
        np.asarray(distances[filled] / totals[filled]),
        np.asarray(alike[filled]),
        np.asarray((totals - alike)[filled]),
    )


def _steps(distances: Values, knots: Values) -> Values:
    """How much of each line lies below each distance, 0…1 [pairs, lines]; the last goes on."""
    places = (distances[:, None] - knots[None, :-1]) / np.diff(knots)[None]
    upper = np.full(len(knots) - 1, 1.0)
    upper[-1] = np.inf
    lower = np.zeros(len(knots) - 1)
    lower[0] = -np.inf
    return np.clip(places, lower, upper)


def _with_ends(knots: Values, log_odds: Values) -> ScoreCurve:
    """The curve with a knot at distance 0, where two tracks are the same recording."""
    if knots[0] <= 0:
        return falling_curve(knots, log_odds)
    same = float(np.log(AT_ZERO / (1 - AT_ZERO)))
    first_fall = (log_odds[0] - log_odds[1]) / (knots[1] - knots[0]) * knots[0]
    at_zero = max(same, log_odds[0] + first_fall)
    return falling_curve(np.concatenate([[0.0], knots]), np.concatenate([[at_zero], log_odds]))
