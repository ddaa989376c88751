"""The nearest references of each query, without those that are excluded.

A query never finds itself, nor a reference of its own group: the same artist (the sound of an
album is easy to recognise and says nothing about the genre), or another copy of the recording. The
other metrics start from a `Ranking`, so no exclusion can be forgotten later.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from embedder.geometry import Geometry
from embedder.metrics.id_sets import IdSets, sharing_pairs

Vectors = npt.NDArray[np.floating]
Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_CHUNK_ENTRIES = 20_000_000


@dataclass(frozen=True, slots=True)
class Apart:
    """Group ids of queries and references; a query never finds a reference of its id, except -1."""

    queries: Ids
    references: Ids

    def mask(self, rows: Ids) -> Flags:
        """Whether some queries never find each reference: [rows, references]."""
        query_ids = self.queries[rows][:, None]
        mask: Flags = (query_ids == self.references[None, :]) & (query_ids >= 0)
        return mask


@dataclass(frozen=True, slots=True, eq=False)
class ApartSets:
    """Several ids for each row; a query never finds a reference that shares one of them."""

    queries: IdSets
    references: IdSets

    def mask(self, rows: Ids) -> Flags:
        """Whether some queries never find each reference: [rows, references]."""
        mask = np.zeros((len(rows), len(self.references)), dtype=bool)
        mask[sharing_pairs(self.queries.at(rows), self.references)] = True
        return mask


Exclusion = Apart | ApartSets


@dataclass(frozen=True, slots=True)
class Ranking:
    """The k nearest references of each query, nearest first; ties by row.

    rows: int64 [queries, k], -1 after the last of fewer than k references;
    distances: [queries, k], infinite there.
    """

    rows: Ids
    distances: Vectors

    @property
    def is_filled(self) -> Flags:
        """Which places are not empty, bool [queries, k]."""
        return self.rows >= 0

    def top(self, k: int) -> "Ranking":
        """The first k places."""
        return Ranking(self.rows[:, :k], self.distances[:, :k])

    def take(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """The references' values, [queries, k, …]; empty places have those of row 0."""
        return values[np.maximum(self.rows, 0)]


def neighbour_ranking(
    queries: Vectors,
    references: Vectors,
    *,
    geometry: Geometry,
    k: int,
    apart: Sequence[Exclusion] = (),
    same_set: bool = False,
) -> Ranking:
    """Rank references [r, d] for queries [q, d]; `same_set`: row i of both is the same track."""
    chunks = distance_chunks(queries, references, geometry=geometry, apart=apart, same_set=same_set)
    parts = [_nearest(distances, min(k, len(references))) for _, distances in chunks]
    return _joined(parts, k)


def distance_chunks(
    queries: Vectors,
    references: Vectors,
    *,
    geometry: Geometry,
    apart: Sequence[Exclusion] = (),
    same_set: bool = False,
) -> Iterator[tuple[Ids, torch.Tensor]]:
    """Rows of some queries at a time, and their distances [rows, references].

    The distance to an excluded reference is infinite.
    """
    reference_vectors = torch.from_numpy(np.ascontiguousarray(references))
    for rows in _chunks(len(queries), len(references)):
        query_vectors = torch.from_numpy(np.ascontiguousarray(queries[rows]))
        with torch.no_grad():
            distances = geometry.pairwise(query_vectors, reference_vectors)
        _exclude(distances, rows, apart, same_set=same_set)
        yield rows, distances


def distance_ranking(
    distances: Vectors, *, k: int, apart: Sequence[Exclusion] = (), same_set: bool = False
) -> Ranking:
    """A ranking by given distances [queries, references]."""
    parts = []
    n_queries, n_references = distances.shape
    for rows in _chunks(n_queries, n_references):
        chunk = torch.from_numpy(distances[rows].copy())
        _exclude(chunk, rows, apart, same_set=same_set)
        parts.append(_nearest(chunk, min(k, n_references)))
    return _joined(parts, k)


def count_relevant(
    query_labels: Ids,
    reference_labels: Ids,
    *,
    apart: Sequence[Exclusion] = (),
    same_set: bool = False,
) -> Ids:
    """How many references with its label each query can find, int64 [queries]."""
    counts = []
    for rows in _chunks(len(query_labels), len(reference_labels)):
        is_allowed = _allowed(rows, len(reference_labels), apart, same_set=same_set)
        labels = query_labels[rows][:, None]
        is_relevant = (labels == reference_labels[None, :]) & (labels >= 0)
        counts.append((is_relevant & is_allowed).sum(axis=1))
    return np.concatenate(counts) if counts else np.zeros(0, dtype=np.int64)


def count_tag_relevant(
    query_tags: npt.NDArray[np.generic],
    reference_tags: npt.NDArray[np.generic],
    *,
    apart: Sequence[Exclusion] = (),
    same_set: bool = False,
) -> Ids:
    """How many references with a common tag each query can find, int64 [queries]."""
    of_queries, of_references = (
        np.asarray(tags != 0, dtype=np.float32) for tags in (query_tags, reference_tags)
    )
    counts = []
    for rows in _chunks(len(of_queries), len(of_references)):
        is_allowed = _allowed(rows, len(of_references), apart, same_set=same_set)
        counts.append(((of_queries[rows] @ of_references.T > 0) & is_allowed).sum(axis=1))
    return np.concatenate(counts) if counts else np.zeros(0, dtype=np.int64)


def _nearest(distances: torch.Tensor, k: int) -> Ranking:
    """Ties go to the lower row, also at the last place, which torch's topk does not promise."""
    # One place more shows whether the last place is part of a tie.
    values, rows = distances.topk(min(k + 1, distances.shape[1]), dim=1, largest=False, sorted=True)
    is_tied = (values[:, -1] == values[:, k - 1]) & values[:, -1].isfinite()
    is_tied &= values.shape[1] > k
    values, rows = values[:, :k], rows[:, :k]
    for row in is_tied.nonzero()[:, 0].tolist():
        order = distances[row].argsort(stable=True)[:k]
        rows[row], values[row] = order, distances[row][order]
    by_row = rows.argsort(dim=1)
    rows, values = rows.gather(1, by_row), values.gather(1, by_row)
    values, order = values.sort(dim=1, stable=True)
    rows = rows.gather(1, order)
    rows[values.isinf()] = -1
    return Ranking(rows.numpy(), values.numpy())


def _joined(parts: Sequence[Ranking], k: int) -> Ranking:
    """The chunks as one ranking, padded to k places."""
    if not parts:
        return Ranking(np.zeros((0, k), dtype=np.int64), np.zeros((0, k)))
    rows = np.concatenate([part.rows for part in parts])
    distances = np.concatenate([part.distances for part in parts])
    padding = ((0, 0), (0, k - rows.shape[1]))
    return Ranking(
        np.pad(rows, padding, constant_values=-1),
        np.pad(distances, padding, constant_values=np.inf),
    )


def _exclude(
    distances: torch.Tensor, rows: Ids, apart: Sequence[Exclusion], *, same_set: bool
) -> None:
    """Set the distance to excluded references to infinity, in place."""
    for ids in apart:
        distances.masked_fill_(torch.from_numpy(ids.mask(rows)), float("inf"))
    if same_set:
        columns = torch.from_numpy(rows)
        distances[columns - columns[0], columns] = float("inf")


def _allowed(rows: Ids, n_references: int, apart: Sequence[Exclusion], *, same_set: bool) -> Flags:
    is_allowed = np.ones((len(rows), n_references), dtype=bool)
    for ids in apart:
        is_allowed &= ~ids.mask(rows)
    if same_set:
        is_allowed[np.arange(len(rows)), rows] = False
    return is_allowed


def _chunks(n_queries: int, n_references: int) -> Iterator[Ids]:
    size = max(1, _CHUNK_ENTRIES // max(n_references, 1))
    for start in range(0, n_queries, size):
        yield np.arange(start, min(start + size, n_queries))
