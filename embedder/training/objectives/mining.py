"""Choose the triplets of a batch that a loss uses.

The miners of pytorch-metric-learning take one label a row; a relation here can also be
unknown and need not be transitive (tags, neighbours), so mining starts from masks. It draws from
the given generator; the library draws from the global generator.

    all                 every anchor, positive, negative
    hard                for each anchor its farthest positive and its nearest negative
                        (Hermans et al. 2017, "batch hard")
    semi-hard           negatives farther than the positive, but by less than the margin
                        (Schroff et al. 2015)
    distance-weighted   for each positive pair one negative, drawn so that all distances come
                        equally often (Wu et al. 2017)
"""

import torch

from embedder.config.objectives import Mining
from embedder.errors import UnknownChoice
from embedder.training.objectives.relations import PairMasks

Triplets = tuple[torch.Tensor, torch.Tensor, torch.Tensor]

SMALLEST_DISTANCE = 0.5
LARGEST_DISTANCE = 1.4
"""Wu et al.'s bounds on the unit sphere: nearer negatives are noisy, farther ones give no loss."""


def mine_triplets(
    embeddings: torch.Tensor,
    distances: torch.Tensor,
    masks: PairMasks,
    *,
    mining: Mining,
    margin: float,
    generator: torch.Generator | None = None,
) -> Triplets:
    """Rows of anchors, positives and negatives, int64 [triplets] each."""
    detached = distances.detach()
    if mining == "all":
        anchors, positives = masks.positive.nonzero(as_tuple=True)
        return _expand(anchors, positives, masks.negative[anchors])
    if mining == "hard":
        return _hard(detached, masks)
    if mining == "semi-hard":
        anchors, positives = masks.positive.nonzero(as_tuple=True)
        gap = detached[anchors] - detached[anchors, positives][:, None]
        return _expand(anchors, positives, masks.negative[anchors] & (gap > 0) & (gap <= margin))
    if mining == "distance-weighted":
        if generator is None:
            raise ValueError("distance-weighted mining draws negatives: give a generator")
        return _distance_weighted(embeddings.detach(), masks, generator)
    raise UnknownChoice("mining", mining, ("all", "hard", "semi-hard", "distance-weighted"))


def informative_pairs(distances: torch.Tensor, masks: PairMasks, *, slack: float) -> PairMasks:
    """Wang et al. 2019: negatives nearer than the farthest positive, positives farther than the
    nearest negative, with some slack.
    """
    detached = distances.detach()
    infinity = torch.full_like(detached, float("inf"))
    farthest = torch.where(masks.positive, detached, -infinity).amax(dim=1, keepdim=True)
    nearest = torch.where(masks.negative, detached, infinity).amin(dim=1, keepdim=True)
    return PairMasks(
        masks.positive & (detached + slack > nearest),
        masks.negative & (detached - slack < farthest),
    )


def negative_weights(embeddings: torch.Tensor, negative: torch.Tensor) -> torch.Tensor:
    """How likely each negative is drawn, [batch, batch], each row sums to 1 or is all zero.

    Inverse to the density of distances on the unit sphere of d dimensions,
    q(x) ~ x^(d-2) (1 - x²/4)^((d-3)/2), x being the distance of the directions: that is also what
    serves the other geometries, where the density has no closed form.
    """
    directions = torch.nn.functional.normalize(embeddings, dim=1)
    cosines = (directions @ directions.T).clamp(-1.0, 1.0)
    gaps = (2.0 - 2.0 * cosines).clamp_min(0.0).sqrt().clamp_min(SMALLEST_DISTANCE)
    is_candidate = negative & (gaps < LARGEST_DISTANCE)
    size = embeddings.shape[1]
    logarithms = (2.0 - size) * gaps.log() - (size - 3) / 2 * (1.0 - gaps**2 / 4).clamp_min(
        1e-12
    ).log()
    weights = torch.softmax(logarithms.masked_fill(~is_candidate, float("-inf")), dim=1)
    return torch.nan_to_num(weights)


def _hard(distances: torch.Tensor, masks: PairMasks) -> Triplets:
    usable = masks.positive.any(dim=1) & masks.negative.any(dim=1)
    anchors = usable.nonzero(as_tuple=True)[0]
    infinity = torch.full_like(distances, float("inf"))
    positives = torch.where(masks.positive, distances, -infinity).argmax(dim=1)
    negatives = torch.where(masks.negative, distances, infinity).argmin(dim=1)
    return anchors, positives[anchors], negatives[anchors]


def _distance_weighted(
    embeddings: torch.Tensor, masks: PairMasks, generator: torch.Generator
) -> Triplets:
    weights = negative_weights(embeddings, masks.negative)
    possible = masks.positive & (weights.sum(dim=1) > 0)[:, None]
    anchors, positives = possible.nonzero(as_tuple=True)
    cumulative = weights.cumsum(dim=1)[anchors]
    # Drawn on the generator's device (often the CPU), so that every device draws the same.
    draws = torch.rand(len(anchors), generator=generator, device=generator.device)
    levels = draws.to(weights)[:, None] * cumulative[:, -1:]
    negatives = (cumulative <= levels).sum(dim=1).clamp_max(len(embeddings) - 1)
    return anchors, positives, negatives


def _expand(anchors: torch.Tensor, positives: torch.Tensor, is_chosen: torch.Tensor) -> Triplets:
    """chosen: bool [positive pairs, batch], the negatives of each pair."""
    pairs, negatives = is_chosen.nonzero(as_tuple=True)
    return anchors[pairs], positives[pairs], negatives
