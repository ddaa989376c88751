"""Who lies nearest to whom, with nobody counted who must not count.

A query never finds itself, nor a reference of its own group: the same artist (an album's sound is
easy to recognise and says nothing of the genre), or the same recording a second time. Everything
else in this package starts from a `Ranking`, so an exclusion cannot be forgotten on the way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from embedder.geometry import Geometry

Vectors = npt.NDArray[np.floating]
Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_CHUNK_ENTRIES = 20_000_000


@dataclass(frozen=True, slots=True)
class Apart:
    """Ids of queries and references; the same id (unless -1) keeps the two from meeting."""

    queries: Ids
    references: Ids


@dataclass(frozen=True, slots=True)
class Ranking:
    """The k nearest references of each query, nearest first; ties by row.

    rows: int64 [queries, k], -1 where there are fewer than k; distances: [queries, k], inf there.
    """

    rows: Ids
    distances: Vectors

    @property
    def found(self) -> Flags:
        """Which places are filled, bool [queries, k]."""
        return self.rows >= 0

    def top(self, k: int) -> "Ranking":
        """The first k places."""
        return Ranking(self.rows[:, :k], self.distances[:, :k])

    def take(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Values of the references at each place, [queries, k, …]; empty places hold row 0's."""
        return values[np.maximum(self.rows, 0)]


def neighbour_ranking(
    queries: Vectors,
    references: Vectors,
    *,
    geometry: Geometry,
    k: int,
    apart: Sequence[Apart] = (),
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
    apart: Sequence[Apart] = (),
    same_set: bool = False,
) -> Iterator[tuple[Ids, torch.Tensor]]:
    """Some queries' rows and their distances [rows, references] at a time; infinity stands
    between those who must not meet.
    """
    found = torch.from_numpy(np.ascontiguousarray(references))
    for rows in _chunks(len(queries), len(references)):
        asked = torch.from_numpy(np.ascontiguousarray(queries[rows]))
        with torch.no_grad():
            distances = geometry.pairwise(asked, found)
        _exclude(distances, rows, apart, same_set=same_set)
        yield rows, distances


def distance_ranking(
    distances: Vectors, *, k: int, apart: Sequence[Apart] = (), same_set: bool = False
) -> Ranking:
    """The same from distances [queries, references]."""
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
    apart: Sequence[Apart] = (),
    same_set: bool = False,
) -> Ids:
    """How many references of its label each query could find at all, int64 [queries]."""
    counts = []
    for rows in _chunks(len(query_labels), len(reference_labels)):
        allowed = _allowed(rows, len(reference_labels), apart, same_set=same_set)
        labels = query_labels[rows][:, None]
        same = (labels == reference_labels[None, :]) & (labels >= 0)
        counts.append((same & allowed).sum(axis=1))
    return np.concatenate(counts) if counts else np.zeros(0, dtype=np.int64)


def count_tag_relevant(
    query_tags: npt.NDArray[np.generic],
    reference_tags: npt.NDArray[np.generic],
    *,
    apart: Sequence[Apart] = (),
    same_set: bool = False,
) -> Ids:
    """How many references with a common tag each query could find, int64 [queries]."""
    asked, shown = (np.asarray(t != 0, dtype=np.float32) for t in (query_tags, reference_tags))
    counts = []
    for rows in _chunks(len(asked), len(shown)):
        allowed = _allowed(rows, len(shown), apart, same_set=same_set)
        counts.append(((asked[rows] @ shown.T > 0) & allowed).sum(axis=1))
    return np.concatenate(counts) if counts else np.zeros(0, dtype=np.int64)


def _nearest(distances: torch.Tensor, k: int) -> Ranking:
    """Ties at the last place go to the lower row too, which torch's topk does not promise."""
    # One place more tells whether the cut goes through a tie.
    values, rows = distances.topk(min(k + 1, distances.shape[1]), dim=1, largest=False, sorted=True)
    torn = (values[:, -1] == values[:, k - 1]) & values[:, -1].isfinite()
    torn &= values.shape[1] > k
    values, rows = values[:, :k], rows[:, :k]
    for row in torn.nonzero()[:, 0].tolist():
        order = distances[row].argsort(stable=True)[:k]
        rows[row], values[row] = order, distances[row][order]
    by_row = rows.argsort(dim=1)
    rows, values = rows.gather(1, by_row), values.gather(1, by_row)
    values, order = values.sort(dim=1, stable=True)
    rows = rows.gather(1, order)
    rows[values.isinf()] = -1
    return Ranking(rows.numpy(), values.numpy())


def _joined(parts: Sequence[Ranking], k: int) -> Ranking:
    """Chunks below each other, filled up to k places."""
    if not parts:
        return Ranking(np.zeros((0, k), dtype=np.int64), np.zeros((0, k)))
    rows = np.concatenate([part.rows for part in parts])
    distances = np.concatenate([part.distances for part in parts])
    missing = ((0, 0), (0, k - rows.shape[1]))
    return Ranking(
        np.pad(rows, missing, constant_values=-1),
        np.pad(distances, missing, constant_values=np.inf),
    )


def _exclude(distances: torch.Tensor, rows: Ids, apart: Sequence[Apart], *, same_set: bool) -> None:
    """Put who must not be found infinitely far away, in place."""
    for ids in apart:
        asked, shown = torch.from_numpy(ids.queries[rows]), torch.from_numpy(ids.references)
        distances.masked_fill_((asked[:, None] == shown) & (asked[:, None] >= 0), float("inf"))
    if same_set:
        at = torch.from_numpy(rows)
        distances[at - at[0], at] = float("inf")


def _allowed(rows: Ids, n_references: int, apart: Sequence[Apart], *, same_set: bool) -> Flags:
    allowed = np.ones((len(rows), n_references), dtype=bool)
    for ids in apart:
        asked = ids.queries[rows][:, None]
        allowed &= (asked != ids.references[None, :]) | (asked < 0)
    if same_set:
        allowed[np.arange(len(rows)), rows] = False
    return allowed


def _chunks(n_queries: int, n_references: int) -> Iterator[Ids]:
    size = max(1, _CHUNK_ENTRIES // max(n_references, 1))
    for start in range(0, n_queries, size):
        yield np.arange(start, min(start + size, n_queries))
