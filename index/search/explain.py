"""Why a hit came: which stretches match, and how near it is in timbre, rhythm and harmony.

Stretches come from the vectors of excerpts that the catalogue keeps. The three aspects are heard
from the files, on the spot, and told as shares: 0.9 means nearer than nine in ten random pairs of
this library.
"""

import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from embedder.errors import AudioError
from index.catalogue.records import Json, TrackRecord
from index.catalogue.vector_rows import TrackExcerpts
from index.library_folder.open_library import OpenLibrary
from index.search.asked import QueryTrack
from index.search.aspects import Aspects, aspect_distances, closeness, describe_aspects
from index.search.results import Neighbour
from index.vectors.distances import Space
from index.vectors.random_pairs import sampled_ids

N_STRETCHES = 3
N_SAMPLE = 16
MIN_SAMPLE = 4
"""Six pairs: with fewer, nothing can be said about what is usual."""


def explain(
    library: OpenLibrary, likes: Sequence[QueryTrack], neighbours: Sequence[Neighbour]
) -> list[Neighbour]:
    """The same neighbours, each with its explanation."""
    if not neighbours:
        return []
    sample_ids = sampled_ids(library.store.ids())
    step = max(len(sample_ids) // N_SAMPLE, 1)
    sample = library.tracks(sample_ids[::step][:N_SAMPLE])
    hits = [neighbour.track for neighbour in neighbours]
    heard = _heard([*(track.record for track in likes), *hits, *sample])
    known = [aspects for track in sample if (aspects := heard[_key(track)]) is not None]
    usual = [aspect_distances(*pair) for pair in itertools.combinations(known, 2)]
    return [
        replace(
            neighbour,
            explanation={
                "stretches": _stretches(library, likes, neighbour.track),
                **_aspects(
                    likes, neighbour.track, heard, usual if len(known) >= MIN_SAMPLE else []
                ),
            },
        )
        for neighbour in neighbours
    ]


def matching_stretches(
    space: Space, query: TrackExcerpts, hit: TrackExcerpts
) -> list[tuple[int, int, float]]:
    """Pairs of excerpts, nearest first, each excerpt once: in the query, in the hit, distance."""
    units = space.to_unit(hit.vectors)
    table = np.stack([space.between(one, units) for one in space.to_unit(query.vectors)])
    pairs: list[tuple[int, int, float]] = []
    for _ in range(min(*table.shape, N_STRETCHES)):
        first, second = np.unravel_index(int(table.argmin()), table.shape)
        pairs.append((int(first), int(second), float(table[first, second])))
        table[first], table[:, second] = np.inf, np.inf
    return pairs


def _stretches(library: OpenLibrary, likes: Sequence[QueryTrack], hit: TrackRecord) -> list[Json]:
    excerpts = library.excerpts(hit.id)
    found: list[Json] = []
    for track in likes:
        if excerpts is None or track.excerpts is None:
            continue  # the catalogue is from before excerpts were kept
        for first, second, distance in matching_stretches(library.space, track.excerpts, excerpts):
            found.append(
                {
                    "query_path": track.record.path,
                    "query_seconds": _span(track.excerpts, first, within=track.record),
                    "seconds": _span(excerpts, second, within=hit),
                    "distance": distance,
                }
            )
    return sorted(found, key=lambda stretch: stretch["distance"])[:N_STRETCHES]


def _span(excerpts: TrackExcerpts, position: int, *, within: TrackRecord) -> list[float]:
    """From when to when; a track shorter than an excerpt was heard again from its beginning."""
    start = float(excerpts.starts_seconds[position])
    end = start + excerpts.excerpt_seconds
    if within.duration_seconds:
        end = min(end, max(within.duration_seconds, start))
    return [round(start, 3), round(end, 3)]


def _aspects(
    likes: Sequence[QueryTrack],
    hit: TrackRecord,
    heard: dict[str, Aspects | None],
    usual: Sequence[np.ndarray[tuple[int], np.dtype[np.float64]]],
) -> Json:
    """By the nearest of several query tracks; none where a file cannot be heard any more."""
    own = heard[_key(hit)]
    asked = [aspects for track in likes if (aspects := heard[_key(track.record)]) is not None]
    if own is None or not asked or not usual:
        return dict.fromkeys(("timbre", "rhythm", "harmony"))
    nearest = np.min([aspect_distances(aspects, own) for aspects in asked], axis=0)
    return dict(closeness(nearest, usual))


def _heard(tracks: Iterable[TrackRecord]) -> dict[str, Aspects | None]:
    from embedder.encoding.threads import map_in_threads

    unique = {_key(track): track for track in tracks}
    described = map_in_threads(_described, unique.values(), workers=os.cpu_count() or 1)
    return dict(zip(unique, described, strict=True))


def _described(track: TrackRecord) -> Aspects | None:
    try:
        return describe_aspects(track)
    except AudioError:
        return None


def _key(track: TrackRecord) -> str:
    return f"{track.path}\0{track.start_seconds}"
