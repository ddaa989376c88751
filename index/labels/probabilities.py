"""From voters to probabilities that are calibrated: "80 %" should be right eight times out of ten.

A neighbour at distance d has the weight w = exp(sharpness (1 - d / scale)). The votes v for a label
and u for the others are compared with the label's frequency in the library, f:

    one label a track        p ~ f (v / f + prior_votes)^(1/T), summing to one
    several labels a track   p : 1 - p = e^bias f (v / f + prior_votes)^(1/T)
                                         : (1 - f) (u / (1 - f) + prior_votes)^(1/T)

so that a query far from everything gets f. After learning from n tracks, one part in n + 10 of each
probability is f whatever the votes are, as in Laplace's rule of succession: a few tracks make no
label certain or impossible. Balanced by class, the f that stands alone is the same for all labels.
Sharpness, prior votes, T and bias are the most likely ones for the library's own tracks, each a
query against the others (temperature: Guo et al. 2017, bias: Platt 1999).
Pure: arrays in, numbers out. `index.labels.ballots` decides who may vote.
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
"""A field with more labels (such as titles) has too few tracks per label to learn from."""
PENALTY = 1.0
"""In nats, for a setting that is e times or 1/e of its default: a dozen tracks prove little."""
MIN_CHANCE = 1e-12
DEFAULT_WORTH = 10
"""The default settings weigh as much as ten tracks."""


@dataclass(frozen=True, slots=True, eq=False)
class Ballots:
    """The voters of each query, nearest first.

    positions: int64 [queries, k] in the table, -1 for no voter; distances: float64 [queries, k];
    places: float64 [queries, k], the size of each vote: below one if tracks at the same distance
    share the remaining places.
    """

    positions: Ids
    distances: Values
    places: Values

    def at(self, queries: NDArray[np.integer | np.bool_]) -> "Ballots":
        """The ballots of some queries."""
        return Ballots(self.positions[queries], self.distances[queries], self.places[queries])


@dataclass(frozen=True, slots=True)
class VoteCalibration:
    """How votes become probabilities; fitted by `fit_calibration`."""

    scale: float = 1.0
    """The median distance of a voter."""
    sharpness: float = 1.5
    prior_votes: float = 2.0
    temperature: float = 0.6
    bias: float = 0.0
    """Used only if a track may have several labels."""
    n_fitted: int = 0
    """The number of tracks it was learned from."""

    def weights(self, ballots: Ballots) -> Values:
        """The weight of each neighbour's vote, [queries, k]."""
        exponent = self.sharpness * (1 - ballots.distances / self.scale)
        # A missing voter has an infinite distance.
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
        base_rates = table.frequencies()
        if class_balanced:
            base_rates = np.full(table.n_labels, 0.5 if table.is_multi else 1 / table.n_labels)
        doubt = 1 / (self.n_fitted + DEFAULT_WORTH)
        return np.asarray((1 - doubt) * chances + doubt * base_rates)

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
    """The most likely calibration for tracks with the labels `truth` [queries, labels].

    Tracks without voters are left out. With few tracks it stays near the default settings.
    """
    has_voters = np.flatnonzero((ballots.positions >= 0).any(axis=1))
    ballots, truth = ballots.at(has_voters), truth[has_voters]
    distances = ballots.distances[ballots.positions >= 0]
    scale = float(np.median(distances)) if len(distances) else 1.0
    best = default = VoteCalibration(scale=max(scale, 1e-6), n_fitted=len(truth))
    if not len(truth) or not 1 < table.n_labels <= MAX_LABELS:
        return best

    def loss(candidate: VoteCalibration) -> float:
        chances = candidate.probabilities(table, ballots, class_balanced=class_balanced)
        likelihood_loss = _negative_log_likelihood(
            table, chances, truth, class_balanced=class_balanced
        )
        return likelihood_loss + _penalty(candidate, default)

    for _ in range(N_ROUNDS):
        before = best
        best = min([best, *(replace(best, sharpness=x) for x in SHARPNESSES)], key=loss)
        best = min([best, *(replace(best, prior_votes=x) for x in PRIOR_VOTES)], key=loss)
        best = min([best, *(replace(best, temperature=x) for x in TEMPERATURES)], key=loss)
        if table.is_multi:
            best = min([best, *(replace(best, bias=x) for x in BIASES)], key=loss)
        if best == before:
            break
    return best


def _negative_log_likelihood(
    table: LabelTable, chances: Values, truth: Values, *, class_balanced: bool
) -> float:
    """In nats, over all tracks."""
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


def _penalty(candidate: VoteCalibration, default: VoteCalibration) -> float:
    ratios = np.log(
        [
            candidate.sharpness / default.sharpness,
            candidate.prior_votes / default.prior_votes,
            candidate.temperature / default.temperature,
        ]
    )
    return float(PENALTY * (np.square(ratios).sum() + candidate.bias**2 / 4))
