"""Figures over all tracks at once: hubness, the same artist nearby, trustworthiness of a map."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.errors import UsageError
from embedder.metrics.id_sets import share_any, sharing_pairs
from embedder.metrics.neighbourhood import Hubness, hubness, trustworthiness
from embedder.metrics.ranking import (
    Apart,
    Ids,
    Ranking,
    distance_chunks,
    distance_ranking,
    neighbour_ranking,
)
from embedder.metrics.retrieval import hit_at_k, precision_at_k
from index.evaluate.material import Material
from index.evaluate.vector_set import VectorSet

N_OCCURRENCES = 10
"""Hubness counts the ten nearest, as in the literature."""
MAP_NEIGHBOURS = 10
MOST_MAPPED = 10_000


@dataclass(frozen=True, slots=True)
class WholeSetScores:
    """same_artist_*: float64 [tracks], NaN for no query track or an artist's only track."""

    hubness: Hubness
    corrected_skewness: float
    """The skewness after the CSLS correction, which moves tracks in dense regions farther away."""
    same_artist_hits: NDArray[np.float64]
    same_artist_precision: NDArray[np.float64]
    map_trustworthiness: dict[str, float]


def score_whole_set(
    vector_set: VectorSet,
    material: Material,
    *,
    queries: Ids,
    references: Ids,
    with_map: bool,
    seed: int,
) -> WholeSetScores:
    """All tracks are references, but for a track's own copies; scaling is fitted on `references`.

    Hubness takes all tracks as queries; the same-artist figures take `queries` alone.
    """
    vectors = vector_set.scaled_by(references)
    copies = [Apart(material.repeats, material.repeats)]
    ranking = neighbour_ranking(
        vectors,
        vectors,
        geometry=vector_set.geometry,
        k=N_OCCURRENCES,
        apart=copies,
        same_set=True,
    )
    artists = material.artist_sets
    relevant = share_any(artists, artists, ranking.rows)
    n_relevant = _n_by_same_artist(material)
    n_relevant[~np.isin(np.arange(len(vectors)), queries)] = 0
    return WholeSetScores(
        hubness=hubness(ranking, n_references=len(vectors)),
        corrected_skewness=_corrected_skewness(vectors, vector_set, copies, ranking),
        same_artist_hits=hit_at_k(relevant, n_relevant, k=N_OCCURRENCES),
        same_artist_precision=precision_at_k(relevant, n_relevant, k=N_OCCURRENCES),
        map_trustworthiness=_maps(vectors, vector_set, seed=seed) if with_map else {},
    )


def _n_by_same_artist(material: Material) -> Ids:
    """How many other tracks share an artist with each, without its copies."""
    n_tracks = len(material.repeats)
    first, second = sharing_pairs(material.artist_sets, material.artist_sets)
    pairs = np.unique(first * n_tracks + second)
    first, second = pairs // max(n_tracks, 1), pairs % max(n_tracks, 1)
    is_other = material.repeats[first] != material.repeats[second]
    return np.bincount(first[is_other], minlength=n_tracks).astype(np.int64)


def check_mappable(n_tracks: int) -> None:
    """Raise UsageError if there are too few tracks to measure a map's trustworthiness."""
    if n_tracks <= 2 * MAP_NEIGHBOURS:
        raise UsageError(
            f"--map: {n_tracks} tracks; trustworthiness needs more than {2 * MAP_NEIGHBOURS}"
        )


def _corrected_skewness(
    vectors: NDArray[np.float32], vector_set: VectorSet, copies: list[Apart], ranking: Ranking
) -> float:
    """Rank by d(x, y) minus half of y's mean distance to its own nearest (Conneau et al. 2018)."""
    is_filled = ranking.is_filled
    sums = np.where(is_filled, ranking.distances, 0.0).sum(axis=1)
    mean_distances = (sums / np.maximum(is_filled.sum(axis=1), 1)).astype(np.float32)
    parts = []
    chunks = distance_chunks(
        vectors, vectors, geometry=vector_set.geometry, apart=copies, same_set=True
    )
    for _, distances in chunks:
        keys = distances.numpy() - mean_distances / 2
        parts.append(distance_ranking(keys, k=N_OCCURRENCES))
    rows = np.concatenate([part.rows for part in parts])
    keys = np.concatenate([part.distances for part in parts])
    return hubness(Ranking(rows, keys), n_references=len(vectors)).skewness


def _maps(vectors: NDArray[np.float32], vector_set: VectorSet, *, seed: int) -> dict[str, float]:
    """Trustworthiness of two flat maps, by PCA and by UMAP."""
    from sklearn.decomposition import PCA

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # Tensorflow is not installed
        from umap import UMAP

    generator = np.random.default_rng([seed, 17])
    if len(vectors) > MOST_MAPPED:
        vectors = vectors[np.sort(generator.choice(len(vectors), MOST_MAPPED, replace=False))]
    check_mappable(len(vectors))
    metric = "cosine" if vector_set.geometry.kind == "cosine" else "euclidean"
    makers = {
        "pca": PCA(n_components=2, random_state=seed),
        "umap": UMAP(n_components=2, metric=metric, random_state=seed, n_jobs=1),
    }
    qualities = {}
    for name, maker in makers.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a seed means one thread; small data sets
            flat = np.asarray(maker.fit_transform(vectors), dtype=np.float32)
        qualities[name] = trustworthiness(
            vectors, flat, k=MAP_NEIGHBOURS, geometry=vector_set.geometry
        )
    return qualities
