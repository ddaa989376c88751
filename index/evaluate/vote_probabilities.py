"""From shares of votes to probabilities that come true.

Five of five neighbours do not mean certainty, and none of five does not mean never. Two numbers
mend both: p ~ (share + prior / labels) ^ sharpness. They are fitted by likelihood on tracks that
are never asked about.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.metrics.calibration import Reliability, reliability
from embedder.metrics.ranking import Ids
from index.evaluate.material import Material
from index.evaluate.neighbours import votes_of
from index.evaluate.rounds import Round
from index.evaluate.settings import EvaluationSettings
from index.evaluate.vector_set import VectorSet

PRIORS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
SHARPNESSES = (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0)
MOST_FITTED = 3000
N_BINS = 10

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VoteCalibration:
    """prior: how much is added to every label; sharpness: above 1 trusts majorities more."""

    prior: float = 0.1
    sharpness: float = 1.0

    def __call__(self, shares: Probabilities) -> Probabilities:
        """Rows that sum to one; rows without votes stay without."""
        raised = (shares + self.prior / shares.shape[1]) ** self.sharpness
        raised *= shares.sum(axis=1, keepdims=True) > 0
        totals = raised.sum(axis=1, keepdims=True)
        return np.asarray(raised / np.where(totals > 0, totals, 1.0))


def fit_calibration(shares: Probabilities, labels: Ids) -> VoteCalibration:
    """The two numbers that make the labels of some tracks likeliest."""
    known = (labels >= 0) & (shares.sum(axis=1) > 0)
    if not known.any():
        return VoteCalibration()
    truth, rows = labels[known], np.arange(known.sum())
    candidates = [VoteCalibration(p, s) for p in PRIORS for s in SHARPNESSES]
    costs = [-np.log(one(shares[known])[rows, truth]).mean() for one in candidates]
    return candidates[int(np.argmin(costs))]


@dataclass(frozen=True, slots=True)
class CalibrationScores:
    """How far shares and fitted probabilities are from coming true."""

    raw: Reliability
    fitted: Reliability
    parameters: tuple[VoteCalibration, ...]
    """One a round."""


def score_calibration(
    vector_set: VectorSet,
    material: Material,
    shares: Probabilities,
    rounds: tuple[Round, ...],
    settings: EvaluationSettings,
) -> CalibrationScores | None:
    """shares: [tracks, labels] of the clean rounds; None where nothing was set aside to fit on."""
    if not rounds or material.is_multi_label:
        return None
    fitted = np.zeros_like(shares)
    parameters = []
    for one in rounds:
        inner = _some(one.references, settings.seed)
        known = votes_of(vector_set, material, Round(inner, inner, same_set=True), k=settings.k)
        calibration = fit_calibration(known, material.labels[inner])
        parameters.append(calibration)
        fitted[one.queries] = calibration(shares[one.queries])
    queries = np.concatenate([one.queries for one in rounds])
    voted = queries[shares[queries].sum(axis=1) > 0]
    if not len(voted):
        return None
    labels = material.labels[voted]
    return CalibrationScores(
        raw=reliability(shares[voted], labels, n_bins=N_BINS),
        fitted=reliability(fitted[voted], labels, n_bins=N_BINS),
        parameters=tuple(parameters),
    )


def _some(rows: Ids, seed: int) -> Ids:
    if len(rows) <= MOST_FITTED:
        return rows
    chosen = np.random.default_rng([seed, 13]).choice(rows, MOST_FITTED, replace=False)
    return np.sort(chosen)
