"""What is near: tracks as one taste, filters and limits, scores, hits in order.

    texts ─▶ tracks ─▶ taste ─▶ candidates ─▶ order ─▶ limits ─▶ k neighbours
                                    ▲   (by distance, or against hubs)   │
                                    └────── more, while k are not full ──┘

The distance of a hit is always the true one; a correction against hubs changes the order alone.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.catalogue.records import TrackRecord
from index.catalogue.where_sql import ids_where
from index.library_folder.open_library import OpenLibrary
from index.library_folder.scoring import NOT_CALIBRATED
from index.search.asked import QueryTrack, query_tracks
from index.search.request import SearchRequest
from index.search.results import LeftOut, Neighbour, QueryResult
from index.vectors import hubness
from index.vectors.distances import FloatMatrix
from index.vectors.store import IdArray
from index.vectors.taste import taste_of

GROWTH = 4
"""When limits have used candidates up, so many times as many are looked at."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A candidate that may come back, or the reason why not."""

    track: TrackRecord
    distance: float
    score: float
    is_duplicate: bool
    reason: str = ""


class Searcher:
    """Searches one open library; what it has read about the library is kept for the next search."""

    def __init__(self, library: OpenLibrary) -> None:
        self._library = library
        self.scoring = library.scoring

    def search(self, request: SearchRequest) -> QueryResult:
        """The k nearest to a taste."""
        likes = self.tracks(request)
        dislikes = query_tracks(self._library, request.minus)
        point = taste_of(
            self._library.space,
            np.stack([track.vector for track in likes]),
            np.stack([track.vector for track in dislikes]) if dislikes else None,
        )
        kept = self.nearest(point, request, asked=[*likes, *dislikes])
        neighbours = self._neighbours(kept)
        left_out = None
        if request.explain:
            from index.search.explain import explain

            neighbours = explain(self._library, likes, neighbours)
            left_out = self._left_out(point, request, [*likes, *dislikes], kept)
        notes = () if self.scoring.calibration.is_learned else (NOT_CALIBRATED,)
        return QueryResult(
            tuple(track.record for track in likes), tuple(neighbours), notes, left_out
        )

    def tracks(self, request: SearchRequest) -> list[QueryTrack]:
        """The tracks that a request names."""
        return query_tracks(
            self._library,
            request.tracks,
            start_seconds=request.start_seconds,
            seconds=request.seconds,
        )

    def nearest(
        self, point: FloatMatrix, request: SearchRequest, *, asked: Sequence[QueryTrack] = ()
    ) -> list[Kept]:
        """The k nearest to a point [d] that a request's filter and limits let through.

        The tracks that were asked with do not come back.
        """
        library = self._library
        allowed = ids_where(library.catalogue, request.where) if request.where else None
        n_possible = len(library) if allowed is None else len(allowed)
        correction = request.correction or self.scoring.correction
        n_wanted = request.k + len(asked)
        if correction != "none":
            n_wanted = max(n_wanted * hubness.CANDIDATES_PER_HIT, hubness.MIN_CANDIDATES)
        while True:
            n_wanted = min(n_wanted, n_possible)
            distances, ids = self._ranked(point, n_wanted, allowed, correction)
            judged = self._judged(ids, distances, request, asked)
            kept = [one for one in judged if not one.reason][: request.k]
            is_past_score = any(one.reason == "min-score" for one in judged)
            if len(kept) == request.k or n_wanted == n_possible or is_past_score:
                return kept
            n_wanted *= GROWTH

    def _ranked(
        self,
        point: FloatMatrix,
        n_wanted: int,
        allowed: IdArray | None,
        correction: hubness.Correction,
    ) -> tuple[NDArray[np.float64], IdArray]:
        """Candidates in order: distances [n], ids [n]."""
        library = self._library
        if n_wanted == 0:
            return np.empty(0), np.empty(0, dtype=np.int64)
        found, found_ids = library.nearest(point[None], n_wanted, allowed_ids=allowed)
        distances, ids = found[0].astype(np.float64), found_ids[0]
        if correction == "none" or n_wanted < 2:
            return distances, ids
        vectors = library.store.vectors(ids)
        if correction == "csls":
            keys = hubness.csls_keys(
                distances, ids, vectors, space=library.space, crowd=self.scoring.crowd
            )
        else:
            keys = hubness.mutual_proximity_keys(
                distances, point, vectors, space=library.space, sample=self.scoring.sample
            )
        order = np.lexsort((ids, distances, keys))
        return distances[order], ids[order]

    def _judged(
        self,
        ids: IdArray,
        distances: NDArray[np.float64],
        request: SearchRequest,
        asked: Sequence[QueryTrack],
    ) -> list[Kept]:
        """Each candidate, in order, with what keeps it away; those asked with are left out."""
        asked_ids = {track.record.id for track in asked}
        recordings = {track.record.audio_digest for track in asked} - {""}
        heard: set[str] = set(recordings)
        artists: Counter[str] = Counter()
        albums: Counter[str] = Counter()
        judged: list[Kept] = []
        scores = self.scoring.scores(distances)
        rows = zip(self._records(ids), distances.tolist(), scores.tolist(), strict=True)
        for track, distance, score in rows:
            if track.id in asked_ids:
                continue
            artist, album = track.artist.casefold(), track.album.casefold()
            reason = ""
            if not request.with_duplicates and track.audio_digest in heard:
                reason = "duplicate"
            elif request.min_score is not None and score < request.min_score:
                reason = "min-score"
            elif _is_full(artists[artist] if artist else 0, request.per_artist):
                reason = "per-artist"
            elif _is_full(albums[album] if album else 0, request.per_album):
                reason = "per-album"
            if not reason:
                artists[artist] += 1
                albums[album] += 1
                heard.add(track.audio_digest)
            is_duplicate = track.audio_digest in recordings
            judged.append(Kept(track, distance, score, is_duplicate, reason))
        return judged

    def _records(self, ids: IdArray) -> Iterator[TrackRecord]:
        yield from self._library.tracks(ids)

    def _neighbours(self, kept: Sequence[Kept]) -> list[Neighbour]:
        shares = self.scoring.random_pairs.shares_farther(np.array([one.distance for one in kept]))
        return [
            Neighbour(
                track=one.track,
                rank=position + 1,
                score=one.score,
                distance=one.distance,
                percentile=None if shares is None else float(shares[position]),
                is_duplicate=one.is_duplicate,
            )
            for position, one in enumerate(kept)
        ]

    def _left_out(
        self,
        point: FloatMatrix,
        request: SearchRequest,
        asked: Sequence[QueryTrack],
        kept: Sequence[Kept],
    ) -> tuple[LeftOut, ...]:
        """What an unfiltered search would have brought in the place of some hits."""
        free = replace(
            request, where="", min_score=None, per_artist=None, per_album=None, with_duplicates=True
        )
        came = {one.track.id for one in kept}
        missed = [one for one in self.nearest(point, free, asked=asked) if one.track.id not in came]
        if not missed:
            return ()
        ids = np.array([one.track.id for one in missed], dtype=np.int64)
        distances = np.array([one.distance for one in missed])
        if request.where:
            fitting = set(ids_where(self._library.catalogue, request.where).tolist())
        else:
            fitting = set(ids.tolist())
        # Judged among all that came, since a limit counts what stands before.
        all_ids = np.concatenate([ids, np.array([one.track.id for one in kept], dtype=np.int64)])
        all_far = np.concatenate([distances, np.array([one.distance for one in kept])])
        order = np.argsort(all_far, kind="stable")
        order = order[[int(all_ids[row]) in fitting or row >= len(ids) for row in order]]
        judged = self._judged(all_ids[order], all_far[order], request, asked)
        reasons = {one.track.id: one.reason for one in judged}
        return tuple(
            LeftOut(one.track, one.distance, _reason(one.track.id, fitting, reasons))
            for one in missed
        )


def _reason(track_id: int, fitting: set[int], reasons: dict[int, str]) -> str:
    return "where" if track_id not in fitting else reasons.get(track_id) or "correction"


def _is_full(n_taken: int, limit: int | None) -> bool:
    return limit is not None and n_taken >= limit
