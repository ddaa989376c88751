"""Why a track is a neighbour: matching stretches, and what is unusually alike.

Stretches come from the stored vectors of excerpts, or, if the model stores one vector a track, from
hearing the files of the nearest neighbours again. The aspects were measured when the tracks were
indexed; only a query file from outside the library is decoded for them. Each is given as a share:
0.9 means closer than nine in ten random pairs of this library.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from embedder.encoding.requests import TrackMeasures, TrackRequest
from embedder.features.measuring import descriptors
from embedder.features.measuring.descriptors import Descriptors, descriptors_from
from index.catalogue.records import Json, TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.search.asked import QueryTrack
from index.search.aspects import (
    ASPECTS,
    NOT_MEASURED,
    aspect_distances,
    closeness,
    reasons_for,
)
from index.search.listening import Listener, Part
from index.search.request import SearchRequest
from index.search.results import Neighbour
from index.search.stretches import stored_stretches
from index.vectors.random_pairs import sampled_ids

N_SAMPLE = 64
MIN_SAMPLE = 4
"""Six pairs; fewer say too little about random pairs."""

Pairs = list[np.ndarray[tuple[int], np.dtype[np.float64]]]


class Explainer:
    """Explains neighbours in one library; what it hears is cached for further searches."""

    def __init__(self, library: OpenLibrary) -> None:
        self._library = library

    @cached_property
    def _listener(self) -> Listener:
        return Listener(self._library)

    def explain(
        self, request: SearchRequest, likes: Sequence[QueryTrack], neighbours: Sequence[Neighbour]
    ) -> list[Neighbour]:
        """The same neighbours, each with its explanation."""
        if not neighbours:
            return []
        library = self._library
        library.on_step(f"Explaining {len(neighbours)} neighbours")
        hits = [neighbour.track for neighbour in neighbours]
        part = Part(request.start_seconds, request.seconds)
        heard = self._listener.compared(likes, hits, part) if request.listen else {}
        random_pairs = _random_pairs(library)
        described_hits = _stored(library, [hit.id for hit in hits])
        described_likes = _described_likes(library, likes) if random_pairs else {}
        return [
            replace(
                neighbour,
                explanation={
                    "stretches": heard.get(hit.id) or stored_stretches(library, likes, hit),
                    **_aspects(described_likes, described_hits.get(hit.id), random_pairs),
                },
            )
            for hit, neighbour in zip(hits, neighbours, strict=True)
        ]


def _aspects(likes: dict[str, Descriptors], hit: Descriptors | None, random_pairs: Pairs) -> Json:
    """For the most similar of several query tracks; empty if something was not measured."""
    if hit is None or not likes or not random_pairs:
        nothing = dict.fromkeys(ASPECTS)
        return {**nothing, "reasons": [], "differences": [], "sentence": NOT_MEASURED}
    shares = {
        path: closeness(aspect_distances(like, hit), random_pairs) for path, like in likes.items()
    }
    nearest = max(shares, key=lambda path: sum(share or 0.0 for share in shares[path].values()))
    reasons = reasons_for(likes[nearest], hit, shares[nearest])
    return {
        **shares[nearest],
        "reasons": list(reasons.reasons),
        "differences": list(reasons.differences),
        "sentence": reasons.sentence,
        "compared_with": nearest,
    }


def _random_pairs(library: OpenLibrary) -> Pairs:
    """The distances of all pairs of a sample; none if too few of its tracks were measured."""
    sample_ids = sampled_ids(library.store.ids())
    step = max(len(sample_ids) // N_SAMPLE, 1)
    sample = _stored(library, sample_ids[::step][:N_SAMPLE].tolist())
    if len(sample) < MIN_SAMPLE:
        return []
    return [aspect_distances(*pair) for pair in itertools.combinations(sample.values(), 2)]


def _stored(library: OpenLibrary, ids: Iterable[int]) -> dict[int, Descriptors]:
    stored = library.catalogue.measured.data(descriptors.NAME, descriptors.VERSION, list(ids))
    described = {track_id: descriptors_from(data) for track_id, data in stored.items()}
    return {track_id: values for track_id, values in described.items() if values is not None}


def _described_likes(library: OpenLibrary, likes: Sequence[QueryTrack]) -> dict[str, Descriptors]:
    """The descriptors of query tracks by path: stored ones, or measured now for other files."""
    by_path: dict[str, Descriptors] = {}
    others: list[TrackRecord] = []
    for track in likes:
        record = track.record
        digest = record.audio_digest
        copies = library.catalogue.tracks_with_digest(digest) if digest and not record.id else []
        stored = _stored(library, [record.id or 0, *(copy.id for copy in copies)])
        if stored:
            by_path[record.path] = next(iter(stored.values()))
        elif not record.id:
            others.append(record)
    return by_path | (_measured_now(others) if others else {})


def _measured_now(records: Sequence[TrackRecord]) -> dict[str, Descriptors]:
    from embedder.encoding.measuring_many import measure_many

    requests = [
        TrackRequest(Path(record.path), measurers=(descriptors.NAME,)) for record in records
    ]
    by_path: dict[str, Descriptors] = {}
    for record, result in zip(records, measure_many(requests), strict=True):
        for measured in result.measured if isinstance(result, TrackMeasures) else ():
            described = descriptors_from(measured.values.data)
            if described is not None:
                by_path[record.path] = described
    return by_path
