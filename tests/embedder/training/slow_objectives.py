"""Every loss and miner as a plain loop over float64 numbers, to compare the fast ones with."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Point = npt.NDArray[np.float64]
Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Distance = Callable[[Point, Point], float]
Triplet = tuple[int, int, int]


def dot(a: Point, b: Point) -> float:
    """Σ a b."""
    return math.fsum(float(x) * float(y) for x, y in zip(a, b, strict=True))


def cosine_distance(a: Point, b: Point) -> float:
    """1 - cosine."""
    return 1 - dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))


def euclidean_distance(a: Point, b: Point) -> float:
    """|a - b|."""
    return math.sqrt(dot(a - b, a - b))


def poincare_distance(a: Point, b: Point) -> float:
    """Nickel and Kiela 2017, equation 1."""
    return math.acosh(1 + 2 * dot(a - b, a - b) / ((1 - dot(a, a)) * (1 - dot(b, b))))


DISTANCES: dict[str, Distance] = {
    "cosine": cosine_distance,
    "euclidean": euclidean_distance,
    "poincare": poincare_distance,
}


def on_geometry(kind: str, free: Point) -> Point:
    """Free numbers projected into a geometry: a unit vector, unchanged, or a vector of the ball."""
    length = math.sqrt(dot(free, free))
    if kind == "cosine":
        return free / length
    if kind == "euclidean":
        return free
    return free * min(math.tanh(length), 1 - 1e-3) / length


def same_id_masks(ids: Sequence[int]) -> tuple[Mask, Mask]:
    """Positive and negative pairs of known ids."""
    n = len(ids)
    positive, negative = np.zeros((n, n), dtype=bool), np.zeros((n, n), dtype=bool)
    for i in range(n):
        for j in range(n):
            if i != j and ids[i] >= 0 and ids[j] >= 0:
                positive[i, j] = ids[i] == ids[j]
                negative[i, j] = ids[i] != ids[j]
    return positive, negative


def all_triplets(positive: Mask, negative: Mask) -> list[Triplet]:
    """Every anchor, positive, negative."""
    rows = range(len(positive))
    return [
        (a, p, n) for a in rows for p in rows for n in rows if positive[a, p] and negative[a, n]
    ]


def mined_triplets(
    mining: str, points: Points, positive: Mask, negative: Mask, distance: Distance, margin: float
) -> list[Triplet]:
    """The definitions of "all", "hard" and "semi-hard"."""
    triplets = all_triplets(positive, negative)
    if mining == "all":
        return triplets
    if mining == "semi-hard":
        mined = []
        for a, p, n in triplets:
            gap = distance(points[a], points[n]) - distance(points[a], points[p])
            if 0 < gap <= margin:
                mined.append((a, p, n))
        return mined
    hard = []
    for a in sorted({triplet[0] for triplet in triplets}):
        positives = [j for j in range(len(points)) if positive[a, j]]
        negatives = [j for j in range(len(points)) if negative[a, j]]
        farthest = max(positives, key=lambda j: distance(points[a], points[j]))
        nearest = min(negatives, key=lambda j: distance(points[a], points[j]))
        hard.append((a, farthest, nearest))
    return hard


def draw_weights(points: Points, negative: Mask) -> Points:
    """Distance-weighted mining: the probability of each negative of each anchor."""
    n, size = points.shape
    weights = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            gap = max(math.sqrt(max(2 * cosine_distance(points[i], points[j]), 0.0)), 0.5)
            if negative[i, j] and gap < 1.4:
                weights[i, j] = gap ** (2 - size) * (1 - gap * gap / 4) ** (-(size - 3) / 2)
        if weights[i].sum() > 0:
            weights[i] /= weights[i].sum()
    return weights


def active_share(
    points: Points, positive: Mask, negative: Mask, distance: Distance, margin: float
) -> float:
    """Share of triplets that violate the margin."""
    triplets = all_triplets(positive, negative)
    active = [
        distance(points[a], points[p]) + margin > distance(points[a], points[n])
        for a, p, n in triplets
    ]
    return sum(active) / len(active)


def triplet_loss(
    points: Points, triplets: Sequence[Triplet], distance: Distance, margin: float, *, soft: bool
) -> float:
    """Mean over triplets with a loss; soft: log(1 + exp(gap)), mean over all."""
    losses = []
    for a, p, n in triplets:
        gap = distance(points[a], points[p]) - distance(points[a], points[n])
        losses.append(math.log1p(math.exp(gap)) if soft else max(0.0, gap + margin))
    counted = losses if soft else [loss for loss in losses if loss > 0]
    return mean(counted)


def contrastive_loss(
    points: Points,
    positive: Mask,
    negative: Mask,
    distance: Distance,
    *,
    positive_margin: float,
    margin: float,
) -> float:
    """The mean pull of positive pairs plus the mean push of negative pairs with a loss."""
    pulls, pushes = [], []
    for i in range(len(points)):
        for j in range(len(points)):
            gap = distance(points[i], points[j]) if i != j else 0.0
            if positive[i, j]:
                pulls.append(max(0.0, gap - positive_margin))
            if negative[i, j]:
                pushes.append(max(0.0, margin - gap))
    return mean([x for x in pulls if x > 0]) + mean([x for x in pushes if x > 0])


def graded_loss(
    points: Points, grades: Points, is_known: Mask, distance: Distance, margin: float
) -> float:
    """Σ y d² / Σ y + Σ (1-y) max(0, m-d)² / Σ (1-y)."""
    pull = push = pulled = pushed = 0.0
    for i in range(len(points)):
        for j in range(len(points)):
            if is_known[i, j]:
                gap, y = distance(points[i], points[j]), float(grades[i, j])
                pull, pulled = pull + y * gap * gap, pulled + y
                push += (1 - y) * max(0.0, margin - gap) ** 2
                pushed += 1 - y
    return pull / pulled + push / pushed


def multi_similarity_loss(
    points: Points,
    positive: Mask,
    negative: Mask,
    distance: Distance,
    *,
    alpha: float,
    beta: float,
    slack: float | None,
) -> float:
    """Wang et al. 2019 with base 0.5 on 1 - distance; slack None: no mining."""
    total = 0.0
    for i in range(len(points)):
        gaps = {j: distance(points[i], points[j]) for j in range(len(points)) if j != i}
        near = [gaps[j] for j in gaps if negative[i, j]]
        far = [gaps[j] for j in gaps if positive[i, j]]
        pulled, pushed = far, near
        if slack is not None:
            pulled = [d for d in far if near and d + slack > min(near)]
            pushed = [d for d in near if far and d - slack < max(far)]
        if pulled:
            total += math.log(1 + sum(math.exp(-alpha * (0.5 - d)) for d in pulled)) / alpha
        if pushed:
            total += math.log(1 + sum(math.exp(beta * (0.5 - d)) for d in pushed)) / beta
    return total / len(points)


def nt_xent_loss(
    points: Points, positive: Mask, negative: Mask, distance: Distance, temperature: float
) -> float:
    """The mean over positive pairs of -log of their share among the anchor's negatives."""
    losses = []
    for i in range(len(points)):
        negative_sum = sum(
            math.exp(-distance(points[i], points[j]) / temperature)
            for j in range(len(points))
            if negative[i, j]
        )
        for j in range(len(points)):
            if positive[i, j] and negative_sum > 0:
                positive_term = math.exp(-distance(points[i], points[j]) / temperature)
                losses.append(-math.log(positive_term / (positive_term + negative_sum)))
    return mean(losses)


def supervised_contrastive_loss(
    points: Points, positive: Mask, negative: Mask, distance: Distance, temperature: float
) -> float:
    """Khosla et al. 2020, "out": the mean log share of an anchor's positives among all others."""
    losses = []
    for i in range(len(points)):
        pairs = [j for j in range(len(points)) if positive[i, j] or negative[i, j]]
        shares = {j: math.exp(-distance(points[i], points[j]) / temperature) for j in pairs}
        total = sum(shares.values())
        logs = [math.log(shares[j] / total) for j in pairs if positive[i, j]]
        if logs:
            losses.append(-mean(logs))
    return mean([loss for loss in losses if loss > 0])


def mean(values: Sequence[float]) -> float:
    """0 if there are no values."""
    return math.fsum(values) / len(values) if values else 0.0
