"""The figures of an evaluation by obvious loops over one query at a time."""

import math

import numpy as np
from numpy.typing import NDArray

from index.labels.probabilities import VoteCalibration


def cosine_distance(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    a, b = first.astype(np.float64), second.astype(np.float64)
    return 1.0 - float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))


def neighbours_of(
    query: int,
    references: list[int],
    vectors: NDArray[np.floating],
    *,
    artists: list[str],
    originals: list[int],
) -> list[int]:
    """Allowed references, nearest first."""
    allowed = [
        r
        for r in references
        if r != query
        and not (artists[r] and artists[r] == artists[query])
        and originals[r] != originals[query]
    ]
    return sorted(allowed, key=lambda r: (cosine_distance(vectors[query], vectors[r]), r))


def probabilities(
    query: int,
    neighbours: list[int],
    vectors: NDArray[np.floating],
    labels: list[str],
    *,
    names: list[str],
    references: list[int],
    calibration: VoteCalibration,
) -> list[float]:
    """The probabilities of a single-label field, by the formula in `labels.probabilities`."""
    lifts = []
    frequencies = [sum(labels[r] == name for r in references) / len(references) for name in names]
    for name, frequency in zip(names, frequencies, strict=True):
        votes = sum(
            weight(cosine_distance(vectors[query], vectors[n]), calibration)
            for n in neighbours
            if labels[n] == name
        )
        lift = (votes / frequency + calibration.prior_votes) ** (1 / calibration.temperature)
        lifts.append(frequency * lift)
    doubt = 1 / (calibration.n_fitted + 10)
    return [
        (1 - doubt) * lift / sum(lifts) + doubt * frequency
        for lift, frequency in zip(lifts, frequencies, strict=True)
    ]


def tag_probabilities(
    query: int,
    neighbours: list[int],
    vectors: NDArray[np.floating],
    tags: NDArray[np.floating],
    *,
    calibration: VoteCalibration,
) -> list[float]:
    """Of each tag [tracks, tags], each a question of its own."""
    weights = [weight(cosine_distance(vectors[query], vectors[n]), calibration) for n in neighbours]
    doubt = 1 / (calibration.n_fitted + 10)
    answers = []
    for column in (tags > 0).T:
        f = (column.sum() + 0.5) / (len(column) + 1)
        votes = sum(w for w, n in zip(weights, neighbours, strict=True) if column[n])
        others = sum(weights) - votes
        prior, power = calibration.prior_votes, 1 / calibration.temperature
        has = math.exp(calibration.bias) * f * (votes / f + prior) ** power
        lacks = (1 - f) * (others / (1 - f) + prior) ** power
        answers.append((1 - doubt) * has / (has + lacks) + doubt * f)
    return answers


def weight(distance: float, calibration: VoteCalibration) -> float:
    return math.exp(calibration.sharpness * (1 - distance / calibration.scale))


def precision(neighbours: list[int], label: str, labels: list[str], k: int) -> float:
    return sum(labels[n] == label for n in neighbours[:k]) / k


def recall(neighbours: list[int], label: str, labels: list[str], k: int) -> float:
    n_all = sum(labels[n] == label for n in neighbours)
    return sum(labels[n] == label for n in neighbours[:k]) / n_all


def ndcg(neighbours: list[int], label: str, labels: list[str], k: int) -> float:
    gains = [float(labels[n] == label) for n in neighbours]
    ideal = sorted(gains, reverse=True)
    gain, best = (
        sum(g / math.log2(place + 2) for place, g in enumerate(some[:k])) for some in (gains, ideal)
    )
    return gain / best


def map_at(neighbours: list[int], label: str, labels: list[str], k: int) -> float:
    n_all = sum(labels[n] == label for n in neighbours)
    hits, total = 0, 0.0
    for place, n in enumerate(neighbours[:k], start=1):
        if labels[n] == label:
            hits += 1
            total += hits / place
    return total / min(n_all, k)
