"""Tracks without a vector get one, from a copy of the same recording or from the model.

Commits in small batches, so that a crash costs no more than one of them.
"""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from embedder.encoding.requests import EncodingFailure, TrackEncoding
from embedder.features.measuring.measurers import measurer_names
from index.catalogue.catalogue import Catalogue, ModelRow
from index.catalogue.ledger import NO_STATE, KnownFile, Ledger
from index.catalogue.records import Failure
from index.catalogue.sounds import sound_values
from index.catalogue.vector_rows import TrackVectors
from index.indexing.files import has_changed, request_of
from index.library_folder.encoder import Encoder

BATCH_TRACKS = 32
BATCH_SECONDS = 5.0
CHANGED = "it changed after it was scanned: index it again"


@dataclass(slots=True)
class Outcome:
    """The results so far: ids of tracks, and failures."""

    analysed: list[int] = field(default_factory=list)
    copied: list[int] = field(default_factory=list)
    failed: list[tuple[int, Failure]] = field(default_factory=list)


class Analysis:
    """Analyses tracks with one model into one catalogue."""

    def __init__(
        self,
        catalogue: Catalogue,
        model: ModelRow,
        *,
        encoder: Encoder,
        workers: int | None = None,
        on_track: Callable[[str], None],
        on_copy: Callable[[str], None],
    ) -> None:
        self.outcome = Outcome()
        self._catalogue = catalogue
        self._ledger = Ledger(catalogue)
        self._model = model
        self._encoder = encoder
        self._workers = workers
        self._on_track = on_track
        self._on_copy = on_copy

    def run(self, track_ids: Iterable[int]) -> None:
        """Give each track a vector, or record the reason if it cannot be analysed."""
        by_recording: dict[bytes, list[KnownFile]] = {}
        for track_id in track_ids:
            track = self._ledger.known_file(track_id)
            by_recording.setdefault(track.audio_digest, []).append(track)
        leaders: list[list[KnownFile]] = []
        with self._catalogue.database.transaction():
            for digest, copies in by_recording.items():
                source = self._analysed_copy(digest)
                if source is None:
                    leaders.append(copies)
                else:
                    self._copy_to(source, copies)
        while leaders:
            # What fails under one name may be fine under another: a file that has vanished.
            leaders = self._analyse([copies for copies in leaders if copies])

    def _analyse(self, groups: list[list[KnownFile]]) -> list[list[KnownFile]]:
        """Analyse the first track of each group for the whole group.

        Returns the remaining tracks of the groups whose first track failed.
        """
        again: list[list[KnownFile]] = []
        batch: list[tuple[list[KnownFile], TrackEncoding]] = []
        requests = [request_of(copies[0], measurers=measurer_names()) for copies in groups]
        results = self._encoder.encode_many(requests, workers=self._workers, ordered=True)
        committed_at = time.monotonic()
        try:
            for copies, result in zip(groups, results, strict=True):
                if isinstance(result, EncodingFailure):
                    self._fail(copies[0], result.reason, is_passing=result.is_passing)
                    again.append(copies[1:])
                    continue
                if has_changed(copies[0]):
                    # Its vector may be of another recording, which no copy may get.
                    self._fail(copies[0], CHANGED)
                    again.append(copies[1:])
                    continue
                batch.append((copies, result))
                is_late = time.monotonic() - committed_at > BATCH_SECONDS
                if len(batch) >= BATCH_TRACKS or is_late:
                    full, batch = batch, []
                    self._commit(full)
                    committed_at = time.monotonic()
        finally:
            self._commit(batch)  # also if the run ends early, whatever the cause
        return [copies for copies in again if copies]

    def _commit(self, batch: list[tuple[list[KnownFile], TrackEncoding]]) -> None:
        if not batch:
            return
        with self._catalogue.database.transaction():
            self._catalogue.vectors.put(
                self._model.id, [_vectors(copies[0].id, encoding) for copies, encoding in batch]
            )
            for copies, encoding in batch:
                self._ledger.set_duration(copies[0].id, duration_of(copies[0], encoding))
                if encoding.tags:
                    values = sound_values(encoding.tags, encoding.tag_probabilities)
                    self._ledger.replace_sounds(copies[0].id, values)
                self._catalogue.measured.put(copies[0].id, encoding.measured)
                self._ledger.drop_failures([(copies[0].path, copies[0].part)])
                self._copy_to(copies[0].id, copies[1:])
        for copies, _ in batch:
            self.outcome.analysed.append(copies[0].id)
            self._on_track(os.fsdecode(copies[0].path))

    def _copy_to(self, source_id: int, copies: list[KnownFile]) -> None:
        for copy in copies:
            self._catalogue.vectors.copy(source_id, copy.id)
            self._ledger.copy_measurements(source_id, copy.id)
            self._ledger.drop_failures([(copy.path, copy.part)])
            self.outcome.copied.append(copy.id)
            self._on_copy(os.fsdecode(copy.path))

    def _fail(self, track: KnownFile, reason: str, *, is_passing: bool = False) -> None:
        with self._catalogue.database.transaction():
            self._ledger.put_failure(
                track.path,
                track.part,
                stat=NO_STATE if is_passing else (track.size_bytes, track.modified_ns),
                fingerprint=self._model.fingerprint,
                reason=reason,
            )
            self._ledger.remove_if_without_vectors(track.id)
        path = os.fsdecode(track.path)
        self.outcome.failed.append((track.id, Failure(path, reason)))
        self._on_track(path)

    def _analysed_copy(self, digest: bytes) -> int | None:
        for track_id in self._ledger.ids_with_digest(digest):
            if self._catalogue.vectors.has(self._model.id, track_id):
                return track_id
        return None


def _vectors(track_id: int, encoding: TrackEncoding) -> TrackVectors:
    return TrackVectors(
        track_id,
        encoding.vector,
        encoding.excerpt_vectors,
        encoding.starts_seconds,
        encoding.excerpt_seconds,
    )


def duration_of(track: KnownFile, encoding: TrackEncoding) -> float:
    """How long the track is; of a part, how long the part is."""
    whole = encoding.duration_seconds
    if track.start_seconds is None:
        return whole
    end = track.end_seconds
    return (whole if end is None else min(end, whole)) - track.start_seconds
