"""From some judged tracks to a preference for every other track: arrays in, numbers out.

A Gaussian process (Rasmussen and Williams 2006, chapter 2). Each judged track has a value from -1
(disliked) to 1 (liked), and an amount of evidence: with less of it, the value counts as less
certain. Tracks that are alike have alike values, where alike may mean near vectors, a common
artist, a common label, a near tempo or a near energy. Which of these ways counts is learned from
the judgements: by how well they are explained by none, one, two or all ways (ibid., 5.4.1), with
more trust in fewer ways and in vectors.

Judgements may be random, or about something that the library does not know. Therefore each judged
track is predicted from all others (ibid., 5.4.2), and the strength of the preference is how much
better than chance these predictions separate likes from dislikes.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.vectors.distances import FloatMatrix, Space, distances_between

NOISE = 0.5
"""The variance of a value with evidence of 1."""
GENERAL = 0.3
"""The variance of what all judgements have in common: some listeners skip nearly everything."""
WIDTH = 0.4
"""The width of the kernel of vectors, relative to the median distance of judged tracks."""
DOUBT = 2.0
"""Each way beside vectors has to explain the judgements better by this (in natural logarithms)."""
MOST_COMPARED = 150
"""The ways are weighed by the first of so many judged tracks, the latest."""
CHANCE_DEVIATIONS = 2.0
"""Predictions count as better than chance by as many standard deviations less."""
FEW = 4.0
"""With this many judged tracks, and only likes or only dislikes, the strength is a half."""
VECTORS = "vectors"

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Judgements:
    """Judged tracks: what is known of them, values [m] and evidence [m]."""

    space: Space
    vectors: FloatMatrix
    """[m, d]"""
    values: Numbers
    amounts: Numbers
    alike: Mapping[str, Numbers]
    """How alike they are to each other in ways beside vectors, by name: [m, m], 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Preference:
    """What the judged tracks say about others."""

    space: Space
    vectors: FloatMatrix
    """[m, d]"""
    width: float
    ways: Mapping[str, float]
    """How much each way of being alike counts."""
    weights: Numbers
    """[m]"""
    strength: float
    """0 (the judgements say nothing about other tracks) to 1."""

    def of(self, vectors: FloatMatrix, alike: Mapping[str, Numbers]) -> Numbers:
        """The preference for tracks with vectors [n, d]: -1 … 1, mostly.

        alike: how alike the judged tracks are to them in other ways, by name: [m, n].
        """
        near = _kernel(distances_between(self.space, self.vectors, vectors), self.width)
        kernel = self.ways[VECTORS] * near
        for name, matrix in alike.items():
            kernel += self.ways[name] * matrix
        preferences: Numbers = self.weights @ kernel
        return preferences


def preference_of(judged: Judgements) -> Preference | None:
    """The preference that judged tracks show; None if they say nothing about other tracks."""
    values = judged.values
    if not len(values) or not np.any(values):
        return None
    unit = judged.space.to_unit(judged.vectors)
    apart = distances_between(judged.space, unit, unit).astype(np.float64)
    between = apart[np.triu_indices(len(apart), 1)]
    width = WIDTH * float(np.median(between)) if len(between) else 0.0
    width = width or 1.0
    kernels = {VECTORS: _kernel(apart, width), **judged.alike}
    noise = NOISE / np.maximum(judged.amounts, 1e-3)
    ways = _weighed(kernels, values, noise)
    inverse = np.linalg.inv(_covariance(kernels, ways, noise))
    weights = inverse @ values
    without_itself = values - weights / np.diag(inverse)
    strength = _strength(values, without_itself)
    return Preference(judged.space, unit, width, ways, weights, strength) if strength > 0 else None


def _weighed(kernels: Mapping[str, Numbers], values: Numbers, noise: Numbers) -> dict[str, float]:
    """How much each way counts: its mean share, by how well the models with it explain values."""
    few = slice(MOST_COMPARED)
    some = {name: kernel[few, few] for name, kernel in kernels.items()}
    models = list(_models(tuple(kernels)))
    evidence = np.array(
        [_evidence(_covariance(some, m, noise[few]), values[few]) - _doubt(m) for m in models]
    )
    chances = np.exp(evidence - evidence.max())
    chances /= chances.sum()
    return {
        name: float(sum(c * model.get(name, 0.0) for c, model in zip(chances, models, strict=True)))
        for name in kernels
    }


def _models(names: Sequence[str]) -> list[dict[str, float]]:
    """Models with none, one, two or all ways, which share what is not general."""
    choices = [some for n in range(3) for some in itertools.combinations(names, n)]
    choices = list(dict.fromkeys([*choices, tuple(names)]))
    return [{name: (1 - GENERAL) / len(some) for name in some} for some in choices]


def _doubt(model: Mapping[str, float]) -> float:
    return DOUBT * len(model.keys() - {VECTORS})


def _covariance(
    kernels: Mapping[str, Numbers], ways: Mapping[str, float], noise: Numbers
) -> Numbers:
    covariance = np.diag(noise) + GENERAL
    for name, share in ways.items():
        covariance += share * kernels[name]
    return covariance


def _evidence(covariance: Numbers, values: Numbers) -> float:
    """The logarithm of the marginal likelihood of values, without its constant."""
    root = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(root, values)
    return -0.5 * float(whitened @ whitened) - float(np.log(np.diag(root)).sum())


def _kernel(distances: NDArray[np.floating], width: float) -> Numbers:
    return np.exp(-0.5 * np.square(distances.astype(np.float64) / width))


def _strength(values: Numbers, predictions: Numbers) -> float:
    """The area under the ROC curve from 0 (chance) to 1, less what chance may add to it."""
    liked, disliked = predictions[values > 0], predictions[values < 0]
    n_liked, n_disliked = len(liked), len(disliked)
    if not n_liked or not n_disliked:
        return len(values) / (len(values) + FEW)
    wins = (liked[:, None] > disliked).mean() + 0.5 * (liked[:, None] == disliked).mean()
    # The deviation of the area if the judgements are random (Mann and Whitney 1947).
    deviation = math.sqrt((n_liked + n_disliked + 1) / (12 * n_liked * n_disliked))
    margin = 2 * CHANCE_DEVIATIONS * deviation
    return float(np.clip((2 * wins - 1 - margin) / max(1 - margin, 1e-6), 0, 1))
