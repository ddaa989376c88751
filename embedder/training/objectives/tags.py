"""How alike two sets of tags are: binary or TF-IDF weights, Dice or cosine similarity.

With weights w and the tags of two tracks a, b as 0 and 1:

    Dice    2 Σ w a b / (Σ w a + Σ w b)
    cosine  Σ w² a b / (√Σ w² a · √Σ w² b)
"""

import math
from collections.abc import Sequence

import torch

from embedder.errors import DatasetError, UnknownChoice


def tag_weights(counts: Sequence[int], *, kind: str, n_tracks: int) -> torch.Tensor:
    """A weight for each tag, float32 [tags]: 1, or the smoothed inverse document frequency.

    The smoothed form log((1 + n) / (1 + count)) + 1 is that of scikit-learn's TfidfTransformer; a
    tag that every track has keeps the weight 1.
    """
    if not counts:
        raise DatasetError("tag similarity needs tags; this data set has none")
    if kind == "binary":
        return torch.ones(len(counts))
    if kind == "tf-idf":
        return torch.tensor([math.log((1 + n_tracks) / (1 + count)) + 1 for count in counts])
    raise UnknownChoice("tag weights", kind, ("binary", "tf-idf"))


def tag_similarity(tags: torch.Tensor, *, weights: torch.Tensor, kind: str) -> torch.Tensor:
    """0…1 for each pair, [batch, batch]; 0 where a track has no tags. tags: [batch, tags]."""
    binary = (tags > 0).to(weights.dtype)
    if kind == "dice":
        common = (binary * weights) @ binary.T
        own = (binary * weights).sum(dim=1)
        total = own[:, None] + own[None, :]
        return 2 * common / total.clamp_min(1e-12)
    if kind == "cosine":
        weighted = torch.nn.functional.normalize(binary * weights, dim=1)
        return (weighted @ weighted.T).clamp(0.0, 1.0)
    raise UnknownChoice("tag similarity", kind, ("dice", "cosine"))
