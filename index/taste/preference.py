"""From some judged tracks to a preference for every other track: arrays in, numbers out.

A Gaussian process over the distances of the vectors (Rasmussen and Williams 2006, chapter 2).
Each judged track has a value from -1 (disliked) to 1 (liked), and an amount of evidence: with less
of it, the value counts as less certain. Far from all judged tracks the preference is 0.

Judgements may be random, or about something that the vectors do not show. Therefore each judged
track is predicted from all others (ibid., 5.4.2), and the strength of the preference is how much
better than chance these predictions separate likes from dislikes.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.vectors.distances import FloatMatrix, Space, distances_between

NOISE = 0.5
"""The variance of a value with evidence of 1."""
WIDTH = 0.4
"""The width of the kernel, relative to the median distance of judged tracks."""
CHANCE_DEVIATIONS = 1.5
"""Predictions count as better than chance by as many standard deviations less."""
FEW = 4.0
"""With this many judged tracks, and only likes or only dislikes, the strength is a half."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Preference:
    """What the judged tracks say about others."""

    space: Space
    vectors: FloatMatrix
    """[m, d]"""
    width: float
    weights: Numbers
    """[m]"""
    strength: float
    """0 (the judgements say nothing about other tracks) to 1."""

    def of(self, vectors: FloatMatrix) -> Numbers:
        """The preference for tracks with vectors [n, d]: -1 … 1, mostly."""
        kernel = _kernel(distances_between(self.space, self.vectors, vectors), self.width)
        preferences: Numbers = self.weights @ kernel
        return preferences


def preference_of(
    space: Space, vectors: FloatMatrix, values: Numbers, amounts: Numbers
) -> Preference | None:
    """The preference that judged tracks show: vectors [m, d], values [m], evidence [m].

    None: they say nothing about other tracks.
    """
    if not len(vectors) or not np.any(values):
        return None
    unit = space.to_unit(vectors)
    apart = distances_between(space, unit, unit).astype(np.float64)
    between = apart[np.triu_indices(len(apart), 1)]
    width = WIDTH * float(np.median(between)) if len(between) else 0.0
    width = width or 1.0
    kernel = _kernel(apart, width)
    inverse = np.linalg.inv(kernel + np.diag(NOISE / np.maximum(amounts, 1e-3)))
    weights = inverse @ values
    without_itself = values - weights / np.diag(inverse)
    strength = _strength(values, without_itself)
    return Preference(space, unit, width, weights, strength) if strength > 0 else None


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
