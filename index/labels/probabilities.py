"""From neighbours to probabilities that hold: "80 %" should come true eight times of ten.

A neighbour at distance d weighs w = exp(sharpness (1 - d / scale)). The votes v for a label and u
for the others are measured by how frequent the label is in the library, f:

    one label a track        p ~ f (v / f + prior_votes)^(1/T), summing to one
    several labels a track   p : 1 - p = e^bias f (v / f + prior_votes)^(1/T)
                                         : (1 - f) (u / (1 - f) + prior_votes)^(1/T)

so that a query that is far from everything falls back on f. Learned from n tracks, one answer in
n + 10 is left to f whatever the votes are, as in Laplace's rule of succession: a handful of tracks
makes nothing certain and rules nothing out. Balanced by class, the f that stands
alone is the same for all labels. Sharpness, prior votes, T and bias are those under which the
library's own tracks, each asked of the others, are the least surprising (temperature: Guo et al.
2017, bias: Platt 1999).
Pure: arrays in, numbers out. It refuses to know who may vote; see `index.labels.ballots`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.labels.table import Ids, LabelTable, Values

MAX_EXPONENT = 30.0
SHARPNESSES: tuple[float, ...] = tuple(np.geomspace(0.2, 32.0, 16).tolist())
PRIOR_VOTES: tuple[float, ...] = tuple(np.geomspace(0.02, 50.0, 16).tolist())
TEMPERATURES: tuple[float, ...] = tuple(np.geomspace(0.2, 5.0, 17).tolist())
BIASES: tuple[float, ...] = tuple(np.linspace(-4, 4, 33).tolist())
N_ROUNDS = 4
MAX_LABELS = 2000
"""A field of more (titles, say) has too few tracks a label to learn anything from."""
PENALTY = 1.0
"""Nats for a setting that is e times, or 1/e of, the usual: a dozen tracks prove little."""
MIN_CHANCE = 1e-12
USUAL_WORTH = 10
"""The usual settings are trusted like what ten tracks would have taught."""


@dataclass(frozen=True, slots=True, eq=False)
class Ballots:
    """Who votes for each query, nearest first.

    positions: int64 [queries, k] in the table, -1 where nobody is; distances: float64
    [queries, k]; places: float64 [queries, k], how much of a vote each has: less than one
    where more tracks than there are places left lie at the same distance.
    """

    positions: Ids
    distances: Values
    places: Values

    def at(self, queries: NDArray[np.integer | np.bool_]) -> "Ballots":
        """Those of some queries."""
        return Ballots(self.positions[queries], self.distances[queries], self.places[queries])


@dataclass(frozen=True, slots=True)
class VoteCalibration:
    """How votes become probabilities; fitted by `fit_calibration`."""

    scale: float = 1.0
    """The usual distance of a voter."""
    sharpness: float = 1.5
    prior_votes: float = 2.0
    temperature: float = 0.6
    bias: float = 0.0
    """For labels of which a track may have several; the others need none."""
    n_fitted: int = 0
    """How many tracks it was learned from."""

    def weights(self, ballots: Ballots) -> Values:
        """What each neighbour's vote weighs, [queries, k]."""
        exponent = self.sharpness * (1 - ballots.distances / self.scale)
        # Where nobody is, the distance is infinite.
        weights = np.exp(np.clip(exponent, -MAX_EXPONENT, MAX_EXPONENT))
        return np.asarray(np.where(ballots.positions >= 0, weights * ballots.places, 0.0))

    def probabilities(
        self, table: LabelTable, ballots: Ballots, *, class_balanced: bool = False
    ) -> Values:
        """The probability of every label, [queries, labels]."""
        weights = self.weights(ballots)
        votes = table.tally(ballots.positions, weights)
        chances = self._from_votes(
            table, votes, weights.sum(axis=1, keepdims=True), class_balanced=class_balanced
        )
        usual = table.frequencies()
        if class_balanced:
            usual = np.full(table.n_labels, 0.5 if table.is_multi else 1 / table.n_labels)
        doubt = 1 / (self.n_fitted + USUAL_WORTH)
        return np.asarray((1 - doubt) * chances + doubt * usual)

    def _from_votes(
        self, table: LabelTable, votes: Values, totals: Values, *, class_balanced: bool
    ) -> Values:
        frequencies = table.frequencies()
        lift = self._lift(votes / frequencies)
        if table.is_multi:
            lift -= self._lift(np.maximum(totals - votes, 0.0) / (1 - frequencies))
            if not class_balanced:
                lift += np.log(frequencies / (1 - frequencies))
            return np.asarray(1 / (1 + np.exp(-np.clip(lift + self.bias, -500, 500))))
        if not class_balanced:
            lift += np.log(frequencies)
        chances = np.exp(lift - lift.max(axis=1, keepdims=True))
        return np.asarray(chances / chances.sum(axis=1, keepdims=True))

    def _lift(self, relative_votes: Values) -> Values:
        return np.asarray(np.log(relative_votes + self.prior_votes) / self.temperature)


def fit_calibration(
    table: LabelTable,
    ballots: Ballots,
    truth: Values,
    *,
    class_balanced: bool = False,
) -> VoteCalibration:
    """The calibration under which tracks with known labels, `truth` [queries, labels], are the
    least surprising, given who voted for each of them.

    Tracks nobody voted for teach nothing. With few tracks it stays near the usual settings.
    """
    has_voters = np.flatnonzero((ballots.positions >= 0).any(axis=1))
    ballots, truth = ballots.at(has_voters), truth[has_voters]
    heard = ballots.distances[ballots.positions >= 0]
    scale = float(np.median(heard)) if len(heard) else 1.0
    best = usual = VoteCalibration(scale=max(scale, 1e-6), n_fitted=len(truth))
    if not len(truth) or not 1 < table.n_labels <= MAX_LABELS:
        return best

    def surprise(candidate: VoteCalibration) -> float:
        chances = candidate.probabilities(table, ballots, class_balanced=class_balanced)
        loss = _surprise(table, chances, truth, class_balanced=class_balanced)
        return loss + _strangeness(candidate, usual)

    for _ in range(N_ROUNDS):
        before = best
        best = min([best, *(replace(best, sharpness=x) for x in SHARPNESSES)], key=surprise)
        best = min([best, *(replace(best, prior_votes=x) for x in PRIOR_VOTES)], key=surprise)
        best = min([best, *(replace(best, temperature=x) for x in TEMPERATURES)], key=surprise)
        if table.is_multi:
            best = min([best, *(replace(best, bias=x) for x in BIASES)], key=surprise)
        if best == before:
            break
    return best


def _surprise(table: LabelTable, chances: Values, truth: Values, *, class_balanced: bool) -> float:
    """Negative log-likelihood in nats, over all tracks."""
    chances = np.clip(chances, MIN_CHANCE, 1 - 1e-9 if table.is_multi else 1.0)
    frequencies = table.frequencies()
    if table.is_multi:
        having, lacking = truth, 1 - truth
        if class_balanced:
            having, lacking = truth / (2 * frequencies), (1 - truth) / (2 * (1 - frequencies))
        losses = -(having * np.log(chances) + lacking * np.log1p(-chances))
        return float(losses.mean(axis=1).sum())
    counted: NDArray[np.float64] = truth
    if class_balanced:
        counted = truth / (frequencies * table.n_labels)
    return float(-(counted * np.log(chances)).sum())


def _strangeness(candidate: VoteCalibration, usual: VoteCalibration) -> float:
    ratios = np.log(
        [
            candidate.sharpness / usual.sharpness,
            candidate.prior_votes / usual.prior_votes,
            candidate.temperature / usual.temperature,
        ]
    )
    return float(PENALTY * (np.square(ratios).sum() + candidate.bias**2 / 4))
