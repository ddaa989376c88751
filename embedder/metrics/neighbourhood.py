"""Properties of a space of vectors: hubness, effective rank, and trustworthiness of a map."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import skew

from embedder.errors import UsageError
from embedder.geometry import Euclidean, Geometry
from embedder.metrics.ranking import Ids, Ranking, Vectors, neighbour_ranking

HUB_FACTOR = 5
"""A hub is a neighbour of more than five times as many tracks as the average (Flexer et al.)."""

_CHUNK_ENTRIES = 20_000_000


@dataclass(frozen=True, slots=True)
class Hubness:
    """How unevenly tracks occur as neighbours; all figures are 0 if they occur equally often."""

    skewness: float
    hub_share: float
    """Share of all places in all rankings that hubs take."""
    orphan_share: float
    """Share of tracks that are no track's neighbour."""
    occurrences: Ids


def hubness(ranking: Ranking, *, n_references: int) -> Hubness:
    """How often each reference is among the k nearest of a query (Radovanović et al. 2010)."""
    neighbours = ranking.rows[ranking.is_filled]
    counts = np.bincount(neighbours, minlength=n_references)
    mean = len(neighbours) / max(n_references, 1)
    is_hub = counts > HUB_FACTOR * mean
    is_even = not len(counts) or bool((counts == counts[0]).all())
    return Hubness(
        skewness=0.0 if is_even else float(skew(counts)),
        hub_share=float(counts[is_hub].sum() / max(len(neighbours), 1)),
        orphan_share=float((counts == 0).mean()) if len(counts) else 0.0,
        occurrences=counts,
    )


def effective_rank(vectors: Vectors, *, centred: bool = True) -> float:
    """In how many directions vectors [n, d] spread: e to the entropy of the singular values
    (Roy and Vetterli 2007). 0 if all vectors are equal.
    """
    values = np.asarray(vectors, dtype=np.float64)
    if centred:
        values = values - values.mean(axis=0)
    singular = np.linalg.svd(values, compute_uv=False)
    total = singular.sum()
    # So small beside the vectors, the singular values are rounding errors.
    if total <= 1e-9 * max(float(np.abs(vectors).max(initial=0.0)), 1e-300) * len(values):
        return 0.0
    shares = singular[singular > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))


def trustworthiness(
    original: Vectors,
    mapped: Vectors,
    *,
    k: int,
    geometry: Geometry | None = None,
) -> float:
    """1 if all neighbours on the map are neighbours in the space too (Venna and Kaski 2001).

    Ranks in the space are computed in chunks, so that 100,000 tracks need no table of all pairs.
    `geometry` is that of the space; the map is Euclidean.
    """
    n_tracks = len(original)
    if not 0 < k < n_tracks / 2:
        raise UsageError(f"k = {k}: trustworthiness of {n_tracks} tracks needs 1 … n/2 - 1")
    space = torch.from_numpy(np.ascontiguousarray(original))
    on_map = neighbour_ranking(mapped, mapped, geometry=Euclidean(), k=k, same_set=True).rows
    size = max(1, _CHUNK_ENTRIES // n_tracks)
    penalty = 0
    for start in range(0, n_tracks, size):
        rows = torch.arange(start, min(start + size, n_tracks))
        distances = (geometry or Euclidean()).pairwise(space[rows], space)
        ranks = _ranks(distances, rows, torch.from_numpy(on_map[start : start + size]))
        penalty += int((ranks - k).clamp_min(0).sum())
    return float(1.0 - penalty * 2.0 / (n_tracks * k * (2.0 * n_tracks - 3.0 * k - 1.0)))


def _ranks(distances: torch.Tensor, rows: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
    """The rank (1 is nearest) of each of `others` [rows, k] among all other tracks.

    It sorts the distances alone, which numpy does in vector instructions, and searches for each
    of the others; an argsort takes ten times as long. Ties share the better rank.
    """
    distances[torch.arange(len(rows)), rows] = float("inf")
    sorted_distances = torch.from_numpy(np.sort(distances.numpy(), axis=1))
    return torch.searchsorted(sorted_distances, distances.gather(1, neighbours)) + 1
