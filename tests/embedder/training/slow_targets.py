"""Losses with proxies, tags and teachers as plain loops over float64 numbers."""

import math
from collections.abc import Sequence

from tests.embedder.training.slow_objectives import (
    DISTANCES,
    Distance,
    Mask,
    Point,
    Points,
    cosine_distance,
    mean,
)


def proxy_anchor_loss(
    points: Points,
    ids: Sequence[int],
    proxies: Points,
    distance: Distance,
    *,
    margin: float,
    alpha: float,
) -> float:
    """Kim et al. 2020, equation 4, on 1 - distance."""
    pulls, pushes = [], []
    for label, proxy in enumerate(proxies):
        pull = push = 0.0
        for point, own_id in zip(points, ids, strict=True):
            if own_id < 0:
                continue
            similarity = 1 - distance(point, proxy)
            if own_id == label:
                pull += math.exp(-alpha * (similarity - margin))
            else:
                push += math.exp(alpha * (similarity + margin))
        if label in ids:
            pulls.append(math.log(1 + pull))
        pushes.append(math.log(1 + push))
    return mean(pulls) + mean(pushes)


def softmax_loss(
    points: Points,
    ids: Sequence[int],
    proxies: Points,
    distance: Distance,
    *,
    temperature: float,
    smoothing: float = 0.0,
) -> float:
    """Cross-entropy of the labels, logits (1 - distance) / temperature."""
    losses = []
    for point, own_id in zip(points, ids, strict=True):
        if own_id < 0:
            continue
        logits = [(1 - distance(point, proxy)) / temperature for proxy in proxies]
        log_sum = math.log(sum(math.exp(logit) for logit in logits))
        even = mean([log_sum - logit for logit in logits])
        losses.append((1 - smoothing) * (log_sum - logits[own_id]) + smoothing * even)
    return mean(losses)


def tag_alikeness(a: Point, b: Point, weights: Point, kind: str) -> float:
    """Dice or cosine of weighted tags."""
    common = own_a = own_b = 0.0
    for x, y, w in zip(a, b, weights, strict=True):
        weight = float(w) if kind == "dice" else float(w) ** 2
        common += weight * (x > 0) * (y > 0)
        own_a, own_b = own_a + weight * (x > 0), own_b + weight * (y > 0)
    if not own_a or not own_b:
        return 0.0
    return 2 * common / (own_a + own_b) if kind == "dice" else common / math.sqrt(own_a * own_b)


def tag_similarity_loss(
    points: Points, alike: Points, tagged: Mask, geometry: str, *, temperature: float | None
) -> float:
    """Squared differences over pairs; with a temperature, cross-entropy of rows."""
    distance = DISTANCES[geometry]
    losses = []
    for i in range(len(points)):
        tagged_rows = [j for j in range(len(points)) if j != i and tagged[i] and tagged[j]]
        if not tagged_rows:
            continue
        gaps = [distance(points[i], points[j]) for j in tagged_rows]
        similarities = [1 - d if geometry == "cosine" else 1 / (1 + d) for d in gaps]
        tag_similarities = [float(alike[i, j]) for j in tagged_rows]
        if temperature is None:
            losses += [(f - w) ** 2 for f, w in zip(similarities, tag_similarities, strict=True)]
            continue
        log_sum = math.log(sum(math.exp(f / temperature) for f in similarities))
        total = sum(math.exp(w / temperature) for w in tag_similarities)
        losses.append(
            -math.fsum(
                math.exp(w / temperature) / total * (f / temperature - log_sum)
                for f, w in zip(similarities, tag_similarities, strict=True)
            )
        )
    return mean(losses)


def distillation_loss(guesses: Points, teachers: Points) -> float:
    """Mean cosine distance."""
    return mean([cosine_distance(g, t) for g, t in zip(guesses, teachers, strict=True)])


def tagging_loss(logits: Points, tags: Points) -> float:
    """Mean binary cross-entropy over rows with any tag."""
    losses = []
    for row, truth in zip(logits, tags, strict=True):
        if truth.any():
            for logit, has in zip(row, truth, strict=True):
                chance = 1 / (1 + math.exp(-logit))
                losses.append(-math.log(chance if has else 1 - chance))
    return mean(losses)
