"""The figures of an evaluation by obvious loops over one query at a time."""

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray


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


def vote(neighbours: list[int], labels: list[str], names: list[str]) -> str:
    """The most frequent label; a tie goes to the first by name."""
    counts = Counter(labels[n] for n in neighbours)
    return max(names, key=lambda name: (counts[name], -names.index(name)))


def precision(neighbours: list[int], label: str, labels: list[str], k: int) -> float:
    return sum(labels[n] == label for n in neighbours[:k]) / k


def recall(neighbours: list[int], label: str, labels: list[str], k: int) -> float:
    n_all = sum(labels[n] == label for n in neighbours)
    return sum(labels[n] == label for n in neighbours[:k]) / n_all


def ndcg(neighbours: list[int], label: str, labels: list[str], k: int) -> float:
    gains = [float(labels[n] == label) for n in neighbours]
    ideal = sorted(gains, reverse=True)
    found, best = (
        sum(g / math.log2(place + 2) for place, g in enumerate(some[:k])) for some in (gains, ideal)
    )
    return found / best


def map_at(neighbours: list[int], label: str, labels: list[str], k: int) -> float:
    n_all = sum(labels[n] == label for n in neighbours)
    hits, total = 0, 0.0
    for place, n in enumerate(neighbours[:k], start=1):
        if labels[n] == label:
            hits += 1
            total += hits / place
    return total / min(n_all, k)
