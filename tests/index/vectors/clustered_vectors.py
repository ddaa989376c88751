"""Vectors in overlapping clusters, one for each label, as a fair model of music gives."""

import numpy as np
from numpy.typing import NDArray

from index.labels.ballots import Search, collect_ballots
from index.labels.kinship import Kinship
from index.labels.probabilities import Ballots
from index.labels.table import Ids, LabelTable, make_label_table

N_LABELS = 6
SIZE = 16
Vectors = NDArray[np.float32]


def clustered(n: int, *, noise: float, seed: int) -> tuple[Vectors, Ids]:
    """Unit vectors [n, 16] and the number of each one's label; some labels are rarer."""
    middles = np.random.default_rng(99).standard_normal((N_LABELS, SIZE))
    generator = np.random.default_rng(seed)
    shares = np.arange(1, N_LABELS + 1) / np.arange(1, N_LABELS + 1).sum()
    labels = generator.choice(N_LABELS, n, p=shares)
    return near(middles[labels], noise=noise, generator=generator), labels.astype(np.int64)


def near(middles: NDArray[np.floating], *, noise: float, generator: np.random.Generator) -> Vectors:
    """Unit vectors around some points."""
    points = middles + noise * generator.standard_normal(middles.shape)
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def table_of(labels: Ids, *, first_id: int = 1) -> LabelTable:
    """A table in which track i has the label of its number."""
    return make_label_table("genre", {first_id + i: [f"g{x}"] for i, x in enumerate(labels)})


def exhaustive(vectors: Vectors, ids: Ids) -> Search:
    """A search that compares every vector."""

    def search(queries: Vectors, k: int) -> tuple[Vectors, Ids]:
        distances = np.maximum(1 - queries @ vectors.T, 0)
        order = np.lexsort((np.broadcast_to(ids, distances.shape), distances))[:, :k]
        return np.take_along_axis(distances, order, axis=1), ids[order]

    return search


def strangers(n: int) -> Kinship:
    """Tracks that are kin to no track of the library."""
    return Kinship(np.full((1, n), -1, dtype=np.int64))


def themselves(n: int) -> Kinship:
    """Tracks that are kin to themselves alone."""
    return Kinship(np.arange(n, dtype=np.int64)[None])


def ballots_for(
    queries: Vectors,
    vectors: Vectors,
    table: LabelTable,
    *,
    k: int = 20,
    queries_kinship: Kinship | None = None,
    voters: Kinship | None = None,
) -> Ballots:
    """Who votes for queries that are strangers to a library, unless said otherwise."""
    return collect_ballots(
        queries,
        k,
        table=table,
        search=exhaustive(vectors, table.track_ids),
        voters=voters or themselves(len(vectors)),
        queries=queries_kinship or strangers(len(queries)),
    )
