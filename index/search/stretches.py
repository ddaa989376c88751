"""Which parts of two tracks are most alike, by the vectors of their excerpts."""

from collections.abc import Iterable, Sequence

import numpy as np

from index.catalogue.records import Json, TrackRecord
from index.catalogue.vector_rows import TrackExcerpts
from index.library_folder.open_library import OpenLibrary
from index.search.asked import QueryTrack
from index.vectors.distances import Space

N_STRETCHES = 3


def stored_stretches(
    library: OpenLibrary, likes: Sequence[QueryTrack], hit: TrackRecord
) -> list[Json]:
    """The stretches of a hit that match the query tracks best, by stored vectors."""
    queries = [(track.record, track.excerpts) for track in likes]
    return best_stretches(library.space, queries, hit, library.excerpts(hit.id))


def best_stretches(
    space: Space,
    queries: Iterable[tuple[TrackRecord, TrackExcerpts | None]],
    hit: TrackRecord,
    excerpts: TrackExcerpts | None,
) -> list[Json]:
    """The best pairs of stretches, nearest first; a track without excerpts has none."""
    stretches: list[Json] = []
    for query, query_excerpts in queries:
        if excerpts is None or query_excerpts is None:
            continue
        for first, second, distance in matching_stretches(space, query_excerpts, excerpts):
            stretches.append(
                {
                    "query_path": query.path,
                    "query_seconds": _span(query_excerpts, first, within=query),
                    "seconds": _span(excerpts, second, within=hit),
                    "distance": distance,
                }
            )
    return sorted(stretches, key=lambda stretch: stretch["distance"])[:N_STRETCHES]


def matching_stretches(
    space: Space, query: TrackExcerpts, hit: TrackExcerpts
) -> list[tuple[int, int, float]]:
    """Pairs of excerpts, nearest first, each excerpt once: query row, hit row, distance."""
    units = space.to_unit(hit.vectors)
    table = np.stack([space.between(vector, units) for vector in space.to_unit(query.vectors)])
    pairs: list[tuple[int, int, float]] = []
    for _ in range(min(*table.shape, N_STRETCHES)):
        first, second = np.unravel_index(int(table.argmin()), table.shape)
        pairs.append((int(first), int(second), float(table[first, second])))
        table[first], table[:, second] = np.inf, np.inf
    return pairs


def _span(excerpts: TrackExcerpts, position: int, *, within: TrackRecord) -> list[float]:
    """Start and end in seconds of the track, which may be a part of its file.

    A track shorter than an excerpt was repeated to fill it.
    """
    start = float(excerpts.starts_seconds[position]) - (within.start_seconds or 0.0)
    end = start + excerpts.excerpt_seconds
    if within.duration_seconds:
        end = min(end, max(within.duration_seconds, start))
    return [round(start, 3), round(end, 3)]
