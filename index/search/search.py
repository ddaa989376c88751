"""Search: the mean of some tracks, its candidates, filters and limits, scores.

    texts ─▶ tracks ─▶ taste ─▶ candidates ─▶ order ─▶ limits ─▶ k neighbours
                                    ▲   (by distance, hubs, preference)  │
                                    └──── more, while there are < k ─────┘

A correction against hubs, and the listener's own preference, change only the order; the distance of
a neighbour is never corrected.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.catalogue.records import TrackRecord
from index.catalogue.where_sql import ids_where
from index.library_folder.open_library import OpenLibrary
from index.library_folder.scoring import NOT_CALIBRATED
from index.search.asked import QueryTrack, query_tracks
from index.search.request import SearchRequest
from index.search.results import LeftOut, Neighbour, QueryResult
from index.taste.judging import NO_TASTE, LibraryPreference, preference_in, taste_costs
from index.vectors import hubness
from index.vectors.distances import FloatMatrix
from index.vectors.store import IdArray
from index.vectors.taste import taste_of
from index.vectors.usual_nearest import Closeness

if TYPE_CHECKING:
    from index.search.explain import Explainer

MIN_JUDGED_CANDIDATES = 500
"""The listener's preference orders at least this many of the nearest tracks."""
TEXT_SCORES = "Scores are calibrated for tracks, not for texts: only their order counts."
GROWTH = 4
"""If the limits leave fewer than k candidates, the search continues with this many times more."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate, with the reason if it is left out."""

    track: TrackRecord
    distance: float
    score: float
    is_duplicate: bool
    reason: str = ""


class Searcher:
    """Searches one open library; what it reads is cached for further searches."""

    def __init__(self, library: OpenLibrary) -> None:
        self._library = library
        self.scoring = library.scoring

    def search(self, request: SearchRequest) -> QueryResult:
        """The k nearest neighbours of the mean of the request's tracks."""
        likes = self.tracks(request)
        dislikes = query_tracks(self._library, request.minus)
        liked_vectors = [track.vector for track in likes]
        if request.text:
            liked_vectors.append(self._library.encoder.encode_text(request.text))
        taste = taste_of(
            self._library.space,
            np.stack(liked_vectors),
            np.stack([track.vector for track in dislikes]) if dislikes else None,
        )
        queries = [*likes, *dislikes]
        preference = preference_in(self._library) if request.taste else None
        nearest = self.nearest(taste, request, queries=queries, preference=preference)
        neighbours = self._neighbours(nearest)
        left_out = None
        if request.explain:
            neighbours = self._explainer.explain(request, likes, neighbours)
            left_out = self._left_out(taste, request, queries, nearest)
        notes = () if self.scoring.is_calibrated else (NOT_CALIBRATED,)
        if request.text:
            notes = (*notes, TEXT_SCORES)
        if request.taste and preference is None:
            notes = (*notes, NO_TASTE)
        is_whole = not request.text and request.start_seconds is None and request.seconds is None
        return QueryResult(
            tuple(track.record for track in likes),
            tuple(neighbours),
            notes,
            left_out,
            self._closeness(neighbours) if is_whole else None,
        )

    @cached_property
    def _explainer(self) -> "Explainer":
        from index.search.explain import Explainer

        return Explainer(self._library)

    def tracks(self, request: SearchRequest) -> list[QueryTrack]:
        """The query tracks of a request."""
        return query_tracks(
            self._library,
            request.tracks,
            start_seconds=request.start_seconds,
            seconds=request.seconds,
        )

    def nearest(
        self,
        vector: FloatMatrix,
        request: SearchRequest,
        *,
        queries: Sequence[QueryTrack] = (),
        preference: LibraryPreference | None = None,
    ) -> list[Candidate]:
        """The k tracks nearest to a vector [d] that pass the request's filter and limits.

        Query tracks are never among them. preference: the listener's, by which the request's
        `taste` changes the order.
        """
        library = self._library
        allowed = ids_where(library.catalogue, request.where) if request.where else None
        n_possible = len(library) if allowed is None else len(allowed)
        correction = request.correction or self.scoring.correction
        n_fetched = request.k + len(queries)
        if correction != "none":
            n_fetched = max(n_fetched * hubness.CANDIDATES_PER_HIT, hubness.MIN_CANDIDATES)
        if preference is not None:
            n_fetched = max(n_fetched, MIN_JUDGED_CANDIDATES)
        while True:
            n_fetched = min(n_fetched, n_possible)
            distances, ids = self._ranked(vector, n_fetched, allowed, correction)
            if preference is not None and len(ids):
                order = self._preferred(distances, ids, preference, request.taste)
                distances, ids = distances[order], ids[order]
            candidates = self._candidates(ids, distances, request, queries)
            accepted = [c for c in candidates if not c.reason][: request.k]
            is_past_score = any(c.reason == "min-score" for c in candidates)
            if len(accepted) == request.k or n_fetched == n_possible or is_past_score:
                return accepted
            n_fetched *= GROWTH

    def _ranked(
        self,
        vector: FloatMatrix,
        n_fetched: int,
        allowed: IdArray | None,
        correction: hubness.Correction,
    ) -> tuple[NDArray[np.float64], IdArray]:
        """The nearest tracks in order: distances [n], ids [n]."""
        library = self._library
        if n_fetched == 0:
            return np.empty(0), np.empty(0, dtype=np.int64)
        distance_rows, id_rows = library.nearest(vector[None], n_fetched, allowed_ids=allowed)
        distances, ids = distance_rows[0].astype(np.float64), id_rows[0]
        if correction == "none" or n_fetched < 2:
            return distances, ids
        vectors = library.vectors(ids)
        if correction == "csls":
            keys = hubness.csls_keys(
                distances, ids, vectors, space=library.space, crowd=self.scoring.crowd
            )
        else:
            keys = hubness.mutual_proximity_keys(
                distances, vector, vectors, space=library.space, sample=self.scoring.sample
            )
        order = np.lexsort((ids, distances, keys))
        return distances[order], ids[order]

    def _preferred(
        self,
        distances: NDArray[np.float64],
        ids: IdArray,
        preference: LibraryPreference,
        taste: float,
    ) -> NDArray[np.int64]:
        """The order of candidates by nearness and the listener's preference.

        Under a correction against hubs, the place in the corrected order stands for the distance.
        """
        is_sorted = bool(np.all(distances[:-1] <= distances[1:]))
        nearness = distances if is_sorted else np.sort(distances)
        costs = (nearness - nearness.mean()) / max(float(nearness.std()), 1e-9)
        vectors = self._library.vectors(ids)
        costs = costs + taste_costs(self._library, preference, ids, vectors, taste=taste)
        return np.argsort(costs, kind="stable")

    def _candidates(
        self,
        ids: IdArray,
        distances: NDArray[np.float64],
        request: SearchRequest,
        queries: Sequence[QueryTrack],
    ) -> list[Candidate]:
        """The tracks in order, each with the reason if it is left out; without query tracks."""
        query_ids = {track.record.id for track in queries}
        query_recordings = {track.record.recording for track in queries} - {""}
        recordings: set[str] = set(query_recordings)
        artists_taken: Counter[str] = Counter()
        albums: Counter[str] = Counter()
        candidates: list[Candidate] = []
        scores = self.scoring.scores(distances)
        records = self._library.tracks(ids)
        artists_of: list[frozenset[str]] = [frozenset()] * len(records)
        if request.per_artist is not None:
            artists_of = self._library.artists.of(records)
        for track, artists, distance, score in zip(
            records, artists_of, distances.tolist(), scores.tolist(), strict=True
        ):
            if track.id in query_ids:
                continue
            album = track.album.casefold()
            reason = ""
            if not request.with_duplicates and track.recording in recordings:
                reason = "duplicate"
            elif request.min_score is not None and score < request.min_score:
                reason = "min-score"
            elif any(_is_full(artists_taken[name], request.per_artist) for name in artists):
                reason = "per-artist"
            elif _is_full(albums[album] if album else 0, request.per_album):
                reason = "per-album"
            if not reason:
                artists_taken.update(artists)
                albums[album] += 1
                recordings.add(track.recording)
            is_duplicate = track.recording in query_recordings
            candidates.append(Candidate(track, distance, score, is_duplicate, reason))
        return candidates

    def _neighbours(self, nearest: Sequence[Candidate]) -> list[Neighbour]:
        distances = np.array([candidate.distance for candidate in nearest])
        shares = self.scoring.random_pairs.shares_farther(distances)
        return [
            Neighbour(
                track=candidate.track,
                rank=position + 1,
                score=candidate.score,
                distance=candidate.distance,
                percentile=None if shares is None else float(shares[position]),
                is_duplicate=candidate.is_duplicate,
            )
            for position, candidate in enumerate(nearest)
        ]

    def _closeness(self, neighbours: Sequence[Neighbour]) -> Closeness | None:
        distances = [n.distance for n in neighbours if not n.is_duplicate]
        return self.scoring.closeness(min(distances)) if distances else None

    def _left_out(
        self,
        vector: FloatMatrix,
        request: SearchRequest,
        queries: Sequence[QueryTrack],
        nearest: Sequence[Candidate],
    ) -> tuple[LeftOut, ...]:
        """The tracks that only an unfiltered search returns, with the reasons."""
        unfiltered = replace(
            request, where="", min_score=None, per_artist=None, per_album=None, with_duplicates=True
        )
        returned_ids = {candidate.track.id for candidate in nearest}
        missed = [
            candidate
            for candidate in self.nearest(vector, unfiltered, queries=queries)
            if candidate.track.id not in returned_ids
        ]
        if not missed:
            return ()
        missed_ids = {candidate.track.id for candidate in missed}
        allowed_ids = missed_ids
        if request.where:
            allowed_ids = set(ids_where(self._library.catalogue, request.where).tolist())
        # Together with the neighbours, because a limit counts the tracks before.
        pairs = [(c.distance, c.track.id) for c in missed if c.track.id in allowed_ids]
        pairs += [(c.distance, c.track.id) for c in nearest]
        pairs.sort(key=lambda pair: pair[0])
        candidates = self._candidates(
            np.array([track_id for _, track_id in pairs], dtype=np.int64),
            np.array([distance for distance, _ in pairs]),
            request,
            queries,
        )
        reasons = {candidate.track.id: candidate.reason for candidate in candidates}
        otherwise = "taste" if request.taste else "correction"
        return tuple(
            LeftOut(c.track, c.distance, _reason(c.track.id, allowed_ids, reasons) or otherwise)
            for c in missed
        )


def _reason(track_id: int, allowed_ids: set[int], reasons: dict[int, str]) -> str:
    return "where" if track_id not in allowed_ids else reasons.get(track_id, "")


def _is_full(n_taken: int, limit: int | None) -> bool:
    return limit is not None and n_taken >= limit
