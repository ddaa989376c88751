"""The vote in an open library: a probability for every label of a field, and the voters.

By default other tracks by the query's artist do not vote: they share a studio and were tagged by
the same person, so they would predict the artist and not the sound. The calibration follows the
same rule on the library's own tracks.
"""

import difflib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from embedder.errors import NotFound
from index.catalogue.records import TrackRecord
from index.catalogue.sounds import is_sound_field
from index.labels.ballots import NO_VOTER
from index.labels.kinship import ARTIST_FIELDS, Kinship, KinshipBook, Names
from index.labels.neighbour_vote import NeighbourVote, calibration_sample
from index.labels.probabilities import Ballots, VoteCalibration
from index.labels.request import VoteSettings
from index.labels.results import LabelVote, Voter
from index.labels.table import Ids, LabelTable, Values, make_label_table
from index.library_folder.open_library import OpenLibrary
from index.vectors.distances import FloatMatrix
from index.vectors.store import NO_TRACK
from index.vectors.taste import taste_of
from index.vectors.usual_nearest import Closeness

MIN_PROBABILITY_OF_SEVERAL = 0.5
"""If a track may have several labels, those at least this probable are named."""
MAX_FIELDS_LISTED = 20
N_NEAREST = 8
"""Enough for the nearest other recording, beside the track and its copies."""
Vectors = NDArray[np.float32]


class Voting:
    """A vote on one field of an open library; what it reads is cached for further tracks."""

    def __init__(self, library: OpenLibrary, settings: VoteSettings | None = None) -> None:
        self._library = library
        self.settings = settings or VoteSettings()
        self._calibrations: dict[float | None, VoteCalibration] = {}
        include_artist = self.settings.include_artist or self.settings.field in ARTIST_FIELDS
        self._kinship_book = KinshipBook(include_artist=include_artist)

    def label(
        self,
        tracks: Sequence[TrackRecord],
        vectors: Vectors,
        *,
        seconds: float | None = None,
    ) -> list[LabelVote]:
        """The votes on tracks with vectors [n, d].

        `seconds`: the vectors are of stretches of this length, which say less than whole tracks.
        """
        if not len(tracks):
            return []
        calibration = self.calibration(seconds)
        ballots = self._vote.ballots(vectors, self._kinship_of(tracks))
        chances = self._vote.probabilities(ballots, calibration)
        weights = self._shown_weights(calibration, ballots)
        scores = self._library.scoring.scores(ballots.distances)
        closeness = self._closeness(tracks, vectors) if seconds is None else [None] * len(tracks)
        voters = np.unique(ballots.positions[ballots.positions >= 0])
        records = {t.id: t for t in self._library.tracks(self.table.track_ids[voters])}
        return [
            replace(
                self._label_vote(
                    track, chances[row], self._voters(row, ballots, weights, scores, records)
                ),
                closeness=closeness[row],
            )
            for row, track in enumerate(tracks)
        ]

    @cached_property
    def table(self) -> LabelTable:
        """The labels of the field; raises NotFound, listing the fields, if no track has it."""
        catalogue = self._library.catalogue
        self._library.require_tracks()
        values = catalogue.field_values(self.settings.field)
        table = make_label_table(self.settings.field, values, several=self.settings.several)
        if table.n_tracks:
            return table
        fields = catalogue.fields()
        close = difflib.get_close_matches(self.settings.field, fields, n=1)
        hint = f" Do you mean {close[0]}?" if close else ""
        shown = sorted(fields, key=lambda name: (is_sound_field(name), -fields[name], name))[
            :MAX_FIELDS_LISTED
        ]
        listed = ", ".join(f"{name} ({fields[name]} tracks)" for name in shown)
        listing = f"Fields: {listed}." if fields else "Its tracks have no tags at all."
        raise NotFound(
            f"no track of the library has a label in the field {self.settings.field!r}.{hint} "
            f"{listing} Tag some tracks and run 'soundalike index' again."
        )

    def calibration(self, seconds: float | None = None) -> VoteCalibration:
        """The calibration of the vote, learned from the library's own tracks."""
        calibration = self._calibrations.get(seconds)
        if calibration is None:
            digests = self._library.catalogue.digests()
            sample = calibration_sample(
                self.table,
                [digests.get(track_id, b"") for track_id in self.table.track_ids.tolist()],
                space_kind=self._library.space.kind,
                embedding_size=self._library.model.embedding_size,
            )
            vectors = self._vectors_of(self.table.track_ids[sample], seconds)
            calibration = self._vote.fitted(sample, vectors)
            self._calibrations[seconds] = calibration
        return calibration

    @cached_property
    def _vote(self) -> NeighbourVote:
        return NeighbourVote(
            self.table,
            self._search,
            self._voters_kinship(),
            self.settings.k,
            class_balanced=self.settings.class_balanced,
        )

    def _search(self, vectors: Vectors, k: int) -> tuple[FloatMatrix, Ids]:
        is_all = self.table.n_tracks == len(self._library)
        allowed = None if is_all else self.table.track_ids
        return self._library.nearest(vectors, k, allowed_ids=allowed)

    def _vectors_of(self, ids: Ids, seconds: float | None) -> Vectors:
        """The vectors of tracks, or of stretches in their middle if excerpts are stored."""
        whole = self._library.vectors(ids)
        if seconds is None:
            return whole
        vectors = np.array(whole)
        for row, track_id in enumerate(ids.tolist()):
            excerpts = self._library.excerpts(track_id)
            if excerpts is None or not len(excerpts.vectors):
                continue
            n_excerpts = max(round(seconds / max(excerpts.excerpt_seconds, 1e-3)), 1)
            first = max((len(excerpts.vectors) - n_excerpts) // 2, 0)
            stretch = excerpts.vectors[first : first + n_excerpts]
            vectors[row] = taste_of(self._library.space, stretch)
        return vectors

    def _voters_kinship(self) -> Kinship:
        catalogue = self._library.catalogue
        recordings, ids = catalogue.recording_keys(), self.table.track_ids.tolist()
        titles, albums = map(catalogue.field_values, ("title", "album"))
        artists = self._library.artists.of_ids(ids)
        return self._kinship_book.numbered(
            Names(
                recordings.get(i, b"").hex(),
                artists.get(i, frozenset()),
                "; ".join(titles.get(i, ())),
                "; ".join(albums.get(i, ())),
            )
            for i in ids
        )

    def _kinship_of(self, tracks: Sequence[TrackRecord]) -> Kinship:
        return self._kinship_book.numbered(
            Names(track.recording, artists, track.title, track.album)
            for track, artists in zip(tracks, self._library.artists.of(tracks), strict=True)
        )

    def _closeness(self, tracks: Sequence[TrackRecord], vectors: Vectors) -> list[Closeness | None]:
        """How near the nearest other recording is to each track, whether it votes or not."""
        distances, ids = self._library.nearest(vectors, min(N_NEAREST, len(self._library)))
        recordings = self._library.catalogue.recording_keys(np.unique(ids).tolist())
        scoring = self._library.scoring
        closeness: list[Closeness | None] = []
        for row, track in enumerate(tracks):
            others = [
                float(distances[row, column])
                for column, track_id in enumerate(ids[row].tolist())
                if track_id not in (NO_TRACK, track.id)
                and recordings.get(track_id, b"").hex() != track.recording
            ]
            closeness.append(scoring.closeness(min(others)) if others else None)
        return closeness

    def _shown_weights(self, calibration: VoteCalibration, ballots: Ballots) -> Values:
        """Each voter's share of the vote, [n, k]."""
        weights = calibration.weights(ballots)
        if self.settings.class_balanced:
            worth = self.table.sums_of(1 / self.table.frequencies())
            weights = weights * worth[ballots.positions]
        return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300))

    def _voters(
        self,
        row: int,
        ballots: Ballots,
        weights: Values,
        scores: Values,
        records: dict[int, TrackRecord],
    ) -> tuple[Voter, ...]:
        columns = np.flatnonzero(ballots.positions[row] != NO_VOTER)
        positions = ballots.positions[row, columns].tolist()
        ids = self.table.track_ids[positions].tolist()
        return tuple(
            Voter(
                track=records[track_id],
                rank=rank + 1,
                score=float(scores[row, column]),
                distance=float(ballots.distances[row, column]),
                weight=float(weights[row, column]),
                labels=self.table.labels_at(position),
            )
            for rank, (column, position, track_id) in enumerate(
                zip(columns, positions, ids, strict=True)
            )
            if track_id in records  # another process may have removed it meanwhile
        )

    def _label_vote(
        self, track: TrackRecord, chances: Values, voters: tuple[Voter, ...]
    ) -> LabelVote:
        order = np.lexsort((np.arange(len(chances)), -chances)).tolist()
        probabilities = {self.table.labels[label]: float(chances[label]) for label in order}
        best = self.table.labels[order[0]]
        probability = probabilities[best]
        why = ""
        if not voters:
            why = "no track can vote: no other track has a label"
            if not self.settings.include_artist:
                why += ", or all that have one are by the same artist (see --include-artist)"
        elif probability < self.settings.abstain:
            why = (
                f"the probability of {best} is {probability:.3g}, less than "
                f"{self.settings.abstain:g}"
            )
        least = max(self.settings.abstain, MIN_PROBABILITY_OF_SEVERAL)
        named = [best]
        if self.table.is_multi:
            named = [label for label, chance in probabilities.items() if chance >= least]
        return LabelVote(
            track=track,
            field=self.settings.field,
            label=None if why else best,
            labels=() if why else tuple(named),
            probability=probability,
            probabilities=probabilities,
            voters=voters,
            abstained=why or None,
        )
