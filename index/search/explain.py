"""Why a track is a neighbour: matching stretches, and closeness in timbre, rhythm and harmony.

Stretches come from the stored vectors of excerpts. The three aspects are computed from the files,
and given as shares: 0.9 means closer than nine in ten random pairs of this library.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from embedder.errors import AudioError
from index.catalogue.records import Json, TrackRecord
from index.catalogue.vector_rows import TrackExcerpts
from index.library_folder.open_library import OpenLibrary
from index.search.asked import QueryTrack
from index.search.aspect_sound import read_sound
from index.search.aspects import Aspects, aspect_distances, aspects_of, closeness
from index.search.results import Neighbour
from index.vectors.distances import Space
from index.vectors.random_pairs import sampled_ids

N_STRETCHES = 3
N_SAMPLE = 16
TRACKS_PER_DECODER = 4
"""A decoder takes longer to start than to read fewer tracks."""
MIN_SAMPLE = 4
"""Six pairs; fewer say too little about random pairs."""


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
    all_aspects = _all_aspects([*(track.record for track in likes), *hits, *sample])
    described = [aspects for track in sample if (aspects := all_aspects[_key(track)]) is not None]
    random_pairs = [aspect_distances(*pair) for pair in itertools.combinations(described, 2)]
    if len(described) < MIN_SAMPLE:
        random_pairs = []
    return [
        replace(
            neighbour,
            explanation={
                "stretches": _stretches(library, likes, neighbour.track),
                **_aspects(likes, neighbour.track, all_aspects, random_pairs),
            },
        )
        for neighbour in neighbours
    ]


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


def _stretches(library: OpenLibrary, likes: Sequence[QueryTrack], hit: TrackRecord) -> list[Json]:
    excerpts = library.excerpts(hit.id)
    stretches: list[Json] = []
    for track in likes:
        if excerpts is None or track.excerpts is None:
            continue  # an old catalogue has no excerpts
        for first, second, distance in matching_stretches(library.space, track.excerpts, excerpts):
            stretches.append(
                {
                    "query_path": track.record.path,
                    "query_seconds": _span(track.excerpts, first, within=track.record),
                    "seconds": _span(excerpts, second, within=hit),
                    "distance": distance,
                }
            )
    return sorted(stretches, key=lambda stretch: stretch["distance"])[:N_STRETCHES]


def _span(excerpts: TrackExcerpts, position: int, *, within: TrackRecord) -> list[float]:
    """Start and end in seconds; a track shorter than an excerpt was repeated to fill it."""
    start = float(excerpts.starts_seconds[position])
    end = start + excerpts.excerpt_seconds
    if within.duration_seconds:
        end = min(end, max(within.duration_seconds, start))
    return [round(start, 3), round(end, 3)]


def _aspects(
    likes: Sequence[QueryTrack],
    hit: TrackRecord,
    all_aspects: dict[str, Aspects | None],
    random_pairs: Sequence[np.ndarray[tuple[int], np.dtype[np.float64]]],
) -> Json:
    """For the nearest of several query tracks; None if a file can no longer be decoded."""
    hit_aspects = all_aspects[_key(hit)]
    query_aspects = [
        aspects for track in likes if (aspects := all_aspects[_key(track.record)]) is not None
    ]
    if hit_aspects is None or not query_aspects or not random_pairs:
        return dict.fromkeys(("timbre", "rhythm", "harmony"))
    nearest = np.min([aspect_distances(aspects, hit_aspects) for aspects in query_aspects], axis=0)
    return dict(closeness(nearest, random_pairs))


def _all_aspects(tracks: Iterable[TrackRecord]) -> dict[str, Aspects | None]:
    from embedder.audio.decoders import Decoders
    from embedder.encoding.threads import map_in_threads, usable_cores

    unique = {_key(track): track for track in tracks}
    n_workers = max(1, min(usable_cores(), len(unique) // TRACKS_PER_DECODER))
    with Decoders() as decoders:

        def described(track: TrackRecord) -> Aspects | None:
            try:
                samples = decoders.run(Path(track.path), read_sound, track)
            except AudioError:
                return None
            return aspects_of(samples)

        all_described = map_in_threads(described, unique.values(), workers=n_workers)
        return dict(zip(unique, all_described, strict=True))


def _key(track: TrackRecord) -> str:
    return f"{track.path}\0{track.start_seconds}"
