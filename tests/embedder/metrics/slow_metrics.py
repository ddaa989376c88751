"""Every metric as a plain loop, to compare the fast ones with."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tests.embedder.training.slow_objectives import DISTANCES, mean

Points = npt.NDArray[np.float64]


def ranking(
    queries: Points,
    references: Points,
    *,
    kind: str,
    k: int,
    groups: tuple[Sequence[int], Sequence[int]] | None = None,
    same_set: bool = False,
) -> list[list[int]]:
    """Rows of the k nearest allowed references of each query."""
    neighbours = []
    for i, query in enumerate(queries):
        candidates = []
        for j, reference in enumerate(references):
            if same_set and i == j:
                continue
            if groups is not None and groups[0][i] >= 0 and groups[0][i] == groups[1][j]:
                continue
            candidates.append((DISTANCES[kind](query, reference), j))
        neighbours.append([j for _, j in sorted(candidates)[:k]])
    return neighbours


def precision(relevant: Sequence[bool], k: int) -> float:
    """Of one query."""
    return sum(relevant[:k]) / k


def recall(relevant: Sequence[bool], n_relevant: int, k: int) -> float:
    """Of one query."""
    return sum(relevant[:k]) / n_relevant


def average_precision(relevant: Sequence[bool], n_relevant: int) -> float:
    """Of one query, with the given number of relevant references."""
    total, hits = 0.0, 0
    for place, good in enumerate(relevant, start=1):
        if good:
            hits += 1
            total += hits / place
    return total / min(n_relevant, len(relevant))


def ndcg(gains: Sequence[float], ideal: Sequence[float], k: int) -> float:
    """Of one query."""
    gain = sum(g / math.log2(place + 1) for place, g in enumerate(gains[:k], start=1))
    best = sum(g / math.log2(place + 1) for place, g in enumerate(ideal[:k], start=1))
    return gain / best


def tag_recall(query_tags: Sequence[float], neighbours: Sequence[Sequence[float]]) -> float:
    """The share of the query's tags that any neighbour has."""
    query_tag_ids = {tag for tag, has in enumerate(query_tags) if has}
    shown = {tag for tags in neighbours for tag, has in enumerate(tags) if has}
    return len(query_tag_ids & shown) / len(query_tag_ids)


def vote(labels: Sequence[int], weights: Sequence[float], n_labels: int) -> list[float]:
    """Shares of the votes of one query."""
    shares = [0.0] * n_labels
    for label, weight in zip(labels, weights, strict=True):
        if label >= 0:
            shares[label] += weight
    total = sum(shares)
    return [share / total for share in shares]


def macro_f1(truth: Sequence[int], guessed: Sequence[int]) -> float:
    """Mean over labels that occur on either side."""
    scores = []
    for label in sorted(set(truth) | set(guessed)):
        pairs = list(zip(truth, guessed, strict=True))
        hits = sum(t == label and g == label for t, g in pairs)
        wrong = sum((t == label) != (g == label) for t, g in pairs)
        scores.append(2 * hits / (2 * hits + wrong))
    return mean(scores)


def roc_auc(scores: Sequence[float], truth: Sequence[bool]) -> float:
    """How often a positive outscores a negative; a tie counts half."""
    wins = 0.0
    positives = [s for s, t in zip(scores, truth, strict=True) if t]
    negatives = [s for s, t in zip(scores, truth, strict=True) if not t]
    for p in positives:
        for n in negatives:
            wins += 1.0 if p > n else 0.5 if p == n else 0.0
    return wins / (len(positives) * len(negatives))


def pr_auc(scores: Sequence[float], truth: Sequence[bool]) -> float:
    """Average precision of a ranking without ties."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    return average_precision([truth[i] for i in order], sum(truth))


def skewness(values: Sequence[float]) -> float:
    """Third standardised moment."""
    middle = mean(values)
    second = mean([(v - middle) ** 2 for v in values])
    return mean([(v - middle) ** 3 for v in values]) / math.sqrt(second) ** 3


def effective_rank(points: Points) -> float:
    """From the eigenvalues of the Gram matrix, whose roots are the singular values."""
    centred = points - points.mean(axis=0)
    values = [math.sqrt(max(v, 0.0)) for v in np.linalg.eigvalsh(centred.T @ centred)]
    total = sum(values)
    return math.exp(-sum(v / total * math.log(v / total) for v in values if v > 0))


def trustworthiness(original: Points, mapped: Points, k: int) -> float:
    """Venna and Kaski 2001, equation 1."""
    n = len(original)
    original_ranks = ranking(original, original, kind="euclidean", k=n, same_set=True)
    near = ranking(mapped, mapped, kind="euclidean", k=k, same_set=True)
    penalty = 0
    for i in range(n):
        for j in near[i]:
            penalty += max(0, original_ranks[i].index(j) + 1 - k)
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty


def expected_calibration_error(
    confidence: Sequence[float], correct: Sequence[bool], n_bins: int
) -> float:
    """Weighted mean gap over bins (low, high]."""
    total = 0.0
    for b in range(n_bins):
        low, high = b / n_bins, (b + 1) / n_bins
        inside = [i for i, c in enumerate(confidence) if low < c <= high or (b == 0 and c == 0)]
        if inside:
            gap = mean([confidence[i] for i in inside]) - mean([correct[i] for i in inside])
            total += abs(gap) * len(inside) / len(confidence)
    return total


def group_means(
    values: Sequence[float], groups: Sequence[int], draws: Sequence[Sequence[int]]
) -> list[float]:
    """The mean of all values of the drawn groups, for each draw."""
    means = []
    for drawn_groups in draws:
        sample = [
            v for g in drawn_groups for v, group in zip(values, groups, strict=True) if group == g
        ]
        means.append(mean(sample))
    return means
