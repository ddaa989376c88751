"""Neighbours vote on a label: a probability for every label of a field, and who voted how.

    texts ─▶ tracks ─▶ vectors ─▶ ballots ─▶ votes ─▶ probabilities ─▶ label, or no label
                                  (the k nearest       ▲
                                   that may vote)      └─ calibrated on the library's own tracks

By default the artist's other tracks do not vote either: they share a studio and were tagged by
the same hand, so that they would tell who plays, not how it sounds. The calibration asks the
library's tracks under the same rules.
"""

import difflib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from embedder.errors import NotFound
from index.catalogue.records import TrackRecord
from index.labels.ballots import NOBODY, collect_ballots
from index.labels.kinship import Kinship, KinshipBook
from index.labels.probabilities import Ballots, VoteCalibration, fit_calibration
from index.labels.request import VoteSettings
from index.labels.results import LabelVote, Voter
from index.labels.table import Ids, LabelTable, Values, make_label_table
from index.library_folder.open_library import OpenLibrary
from index.vectors.distances import FloatMatrix
from index.vectors.taste import taste_of

MAX_FITTED = 1000
MIN_FITTED = 50
MULTIPLICATIONS = {"cosine": 6e9, "euclidean": 6e9, "poincare": 1e9}
"""What asking the library's own tracks may cost, less than a second; the ball has no fast index."""
MAX_CELLS = 200_000
"""Tracks times labels in the same."""
ARTIST_FIELDS = ("artist", "albumartist", "composer")
MIN_PROBABILITY_OF_SEVERAL = 0.5
"""Where several labels are possible, those at least this probable are named."""
Vectors = NDArray[np.float32]


class Voting:
    """A vote on one field of one open library; what it has read is kept for the next track."""

    def __init__(self, library: OpenLibrary, settings: VoteSettings | None = None) -> None:
        self._library = library
        self.settings = settings or VoteSettings()
        self._calibrations: dict[float | None, VoteCalibration] = {}
        # Who the artist is can be told by the artist's own tracks alone.
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

        `seconds`: the vectors are of stretches so long, which are less telling than whole tracks.
        """
        if not len(tracks):
            return []
        ballots = self._ballots(vectors, self._kin_of(tracks))
        chances = self.calibration(seconds).probabilities(
            self.table, ballots, class_balanced=self.settings.class_balanced
        )
        weights = self._shown_weights(self.calibration(seconds), ballots)
        scores = self._library.scoring.scores(ballots.distances)
        heard = np.unique(ballots.positions[ballots.positions >= 0])
        found = self._library.tracks(self.table.track_ids[heard])
        known = {track.id: track for track in found}
        return [
            self._vote(track, chances[row], self._voters(row, ballots, weights, scores, known))
            for row, track in enumerate(tracks)
        ]

    @cached_property
    def table(self) -> LabelTable:
        """The labels of the field; raises NotFound with the fields that exist."""
        catalogue = self._library.catalogue
        self._library.model  # noqa: B018 - an empty library says so
        values = catalogue.field_values(self.settings.field)
        table = make_label_table(self.settings.field, values, several=self.settings.several)
        if table.n_tracks:
            return table
        fields = catalogue.fields()
        close = difflib.get_close_matches(self.settings.field, fields, n=1)
        meant = f" Do you mean {close[0]}?" if close else ""
        shown = sorted(fields, key=lambda name: (-fields[name], name))[:20]
        listed = ", ".join(f"{name} ({fields[name]} tracks)" for name in shown)
        there = f"Fields: {listed}." if fields else "Its tracks have no tags at all."
        raise NotFound(
            f"no track of the library has a label in the field {self.settings.field!r}.{meant} "
            f"{there} Tag some tracks and run 'soundalike index' again."
        )

    def calibration(self, seconds: float | None = None) -> VoteCalibration:
        """How votes become probabilities here, learned from the library's own tracks."""
        found = self._calibrations.get(seconds)
        if found is None:
            sample = self._sample()
            vectors = self._vectors_of(self.table.track_ids[sample], seconds)
            ballots = self._ballots(vectors, self._voters_kin.at(sample))
            found = fit_calibration(
                self.table,
                ballots,
                self.table.truth(sample),
                class_balanced=self.settings.class_balanced,
            )
            self._calibrations[seconds] = found
        return found

    def _ballots(self, vectors: Vectors, asking: Kinship) -> Ballots:
        return collect_ballots(
            vectors,
            self.settings.k,
            table=self.table,
            search=self._search,
            voters=self._voters_kin,
            asking=asking,
        )

    def _search(self, vectors: Vectors, n_wanted: int) -> tuple[FloatMatrix, Ids]:
        is_all = self.table.n_tracks == len(self._library)
        allowed = None if is_all else self.table.track_ids
        return self._library.nearest(vectors, n_wanted, allowed_ids=allowed)

    def _sample(self) -> Ids:
        """The positions of some tracks, the same ones in whatever order the library was filled."""
        space, size = self._library.space, self._library.model.embedding_size
        n_wanted = min(
            MULTIPLICATIONS[space.kind] / (self.table.n_tracks * size),
            MAX_CELLS / self.table.n_labels,
        )
        n_wanted = int(np.clip(n_wanted, MIN_FITTED, MAX_FITTED))
        digests = self._library.catalogue.digests()
        ids = self.table.track_ids.tolist()
        order = sorted(range(len(ids)), key=lambda position: digests.get(ids[position], b""))
        return np.sort(np.asarray(order[:n_wanted], dtype=np.int64))

    def _vectors_of(self, ids: Ids, seconds: float | None) -> Vectors:
        """The vectors of tracks, or of stretches of them, as far as excerpts were kept."""
        whole = self._library.vectors(ids)
        if seconds is None:
            return whole
        vectors = np.array(whole)
        for row, track_id in enumerate(ids.tolist()):
            excerpts = self._library.excerpts(track_id)
            if excerpts is None or not len(excerpts.vectors):
                continue
            n_heard = max(round(seconds / max(excerpts.excerpt_seconds, 1e-3)), 1)
            first = max((len(excerpts.vectors) - n_heard) // 2, 0)
            stretch = excerpts.vectors[first : first + n_heard]
            vectors[row] = taste_of(self._library.space, stretch)
        return vectors

    @cached_property
    def _voters_kin(self) -> Kinship:
        catalogue = self._library.catalogue
        digests, ids = catalogue.digests(), self.table.track_ids.tolist()
        artists, titles = catalogue.field_values("artist"), catalogue.field_values("title")
        return self._kinship_book.numbered(
            (digests.get(i, b"").hex(), "; ".join(artists.get(i, ())), "; ".join(titles.get(i, ())))
            for i in ids
        )

    def _kin_of(self, tracks: Sequence[TrackRecord]) -> Kinship:
        return self._kinship_book.numbered((t.audio_digest, t.artist, t.title) for t in tracks)

    def _shown_weights(self, calibration: VoteCalibration, ballots: Ballots) -> Values:
        """The share that each voter has in the decision, [n, k]."""
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
        known: dict[int, TrackRecord],
    ) -> tuple[Voter, ...]:
        columns = np.flatnonzero(ballots.positions[row] != NOBODY)
        positions = ballots.positions[row, columns].tolist()
        ids = self.table.track_ids[positions].tolist()
        return tuple(
            Voter(
                track=known[track_id],
                rank=rank + 1,
                score=float(scores[row, column]),
                distance=float(ballots.distances[row, column]),
                weight=float(weights[row, column]),
                labels=self.table.labels_at(position),
            )
            for rank, (column, position, track_id) in enumerate(
                zip(columns, positions, ids, strict=True)
            )
            if track_id in known  # another process may have removed it meanwhile
        )

    def _vote(self, track: TrackRecord, chances: Values, voters: tuple[Voter, ...]) -> LabelVote:
        order = np.lexsort((np.arange(len(chances)), -chances)).tolist()
        probabilities = {self.table.labels[label]: float(chances[label]) for label in order}
        best = self.table.labels[order[0]]
        probability = probabilities[best]
        why = ""
        if not voters:
            why = "nobody may vote: no other track has a label"
            if not self.settings.include_artist:
                why += ", or all that do are by the same artist (--include-artist lets them vote)"
        elif probability < self.settings.abstain:
            why = f"{best} is {probability:.3g} probable, less than {self.settings.abstain:g}"
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
