"""Bringing a catalogue up to date with folders of music.

    scan ─▶ compare ─┬─▶ gone: marked                    (with prune: removed, last of all)
                     ├─▶ changed: same audio? new tags : put aside until all else is seen
                     ├─▶ new: audio known and its file gone? moved : a new track
                     ├─▶ put aside: audio known elsewhere? moved : a new recording in its place
                     ├─▶ what lacks a vector: analysed, batch by batch
                     └─▶ what lacks measurements of this version: measured, batch by batch

Everything is committed as it goes, and each step finds out for itself what is left to do: after
a crash the next run goes on where this one stopped.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from index.catalogue.catalogue import Catalogue, ModelRow
from index.catalogue.ledger import NO_STATE, FileFacts, Ledger, place_of
from index.catalogue.records import Failure
from index.indexing.analyse import Analysis
from index.indexing.changes import Changes, Sighting, known_failures
from index.indexing.empty_folders import Unreachable
from index.indexing.identify import Identified, identify_many, in_batches
from index.indexing.measuring import lacking_tracks, measure_tracks
from index.indexing.request import IndexOptions
from index.indexing.results import FileNote, IndexProgress, IndexReport, OnScan
from index.indexing.scan import Found
from index.indexing.survey import survey
from index.library_folder.encoder import Encoder

CHUNK_TRACKS = 1024
"""New tracks are read and analysed in chunks, so that the first can be searched early."""
COMMIT_TRACKS = 256


class Ingest:
    """One run of indexing, with the library's lock held."""

    def __init__(
        self,
        catalogue: Catalogue,
        model: ModelRow,
        *,
        encoder: Encoder,
        options: IndexOptions,
        on_progress: Callable[[IndexProgress], None] | None = None,
        on_scan: OnScan | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._ledger = Ledger(catalogue)
        self._model = model
        self._encoder = encoder
        self._options = options
        self._on_progress = on_progress
        self._on_scan = on_scan
        self._analysis = Analysis(
            catalogue,
            model,
            encoder=encoder,
            workers=options.workers,
            on_track=self._done,
            on_copy=self._done_quickly,
        )
        self._n_done = self._n_total = self._n_quick = 0
        self._added: set[int] = set()
        self._updated: set[int] = set()
        self._moved: set[int] = set()
        self._n_touched = self._n_replaced = self._n_measured = 0
        self._started = time.monotonic()
        self._failed: list[Failure] = []
        self._file_notes: list[FileNote] = []
        self._vacant: set[int] = set()
        """Tracks whose recording is no longer at their path: another path may claim them."""

    def run(self, paths: Sequence[Path]) -> IndexReport:
        """Bring the catalogue up to date with the files under some paths."""
        surveyed = survey(
            self._catalogue,
            paths,
            fingerprint=self._model.fingerprint,
            options=self._options,
            on_scan=self._on_scan,
        )
        changes, unfinished = surveyed.changes, surveyed.unfinished
        (self._updated if surveyed.is_migration else self._added).update(surveyed.seen)
        self._n_total = len(changes.new) + len(changes.changed) + len(unfinished)
        self._n_total += len(surveyed.unmeasured)
        if self._on_scan is not None:
            self._on_scan(len(surveyed.scanned.files), self._n_total)
        self._settle_gone(changes)
        self._failed += [
            Failure(os.fsdecode(path), why) for path, why in surveyed.scanned.unreadable
        ]
        deferred = self._changed(changes.changed)
        for chunk in in_batches(sorted(unfinished - self._vacant), CHUNK_TRACKS):
            self._analysis.run(chunk)
        for some in in_batches(changes.new, CHUNK_TRACKS):
            self._analysis.run(self._new(some))
        self._analysis.run(self._replace(deferred))
        self._measure(surveyed.scanned)
        kept = surveyed.unreachable.among(self._vacant)
        return self._report(changes, kept, self._leave(changes, kept))

    def _settle_gone(self, changes: Changes) -> None:
        with self._catalogue.database.transaction():
            self._ledger.mark_gone(changes.gone)
            self._ledger.mark_gone(changes.back, is_gone=False)
            self._ledger.drop_failures(place_of(key) for key in changes.failures_gone)
        self._vacant |= set(self._ledger.gone())

    def _changed(self, changed: list[tuple[int, Sighting]]) -> list[tuple[int, FileFacts]]:
        """Write new tags; returns the tracks whose audio has changed."""
        deferred: list[tuple[int, FileFacts]] = []
        ids = {sighting.key: track_id for track_id, sighting in changed}
        for batch in in_batches(
            self._identified([sighting for _, sighting in changed]), COMMIT_TRACKS
        ):
            with self._catalogue.database.transaction():
                for identified in batch:
                    facts = identified.facts
                    track_id = ids[identified.sighting.key]
                    if facts is None:
                        self._fail(identified)
                    elif facts.audio_digest == self._ledger.known_file(track_id).audio_digest:
                        self._retag(track_id, facts)
                    else:
                        self._vacant.add(track_id)
                        deferred.append((track_id, facts))
        return deferred

    def _retag(self, track_id: int, facts: FileFacts) -> None:
        if self._ledger.tags_are(track_id, facts):
            self._n_touched += 1
        else:
            self._updated.add(track_id)
        if track_id in self._vacant:
            self._reoccupy(track_id)
        self._place(track_id, facts)
        self._done_quickly(os.fsdecode(facts.path))

    def _new(self, sightings: Sequence[Sighting]) -> list[int]:
        """Insert new tracks; returns those that lack a vector."""
        registered: list[int] = []
        for batch in in_batches(self._identified(sightings), COMMIT_TRACKS):
            with self._catalogue.database.transaction():
                for identified in batch:
                    facts = identified.facts
                    if facts is None:
                        self._fail(identified)
                        continue
                    claimed = self._claim(facts)
                    if claimed is None:
                        registered.append(self._insert(facts))
                    else:
                        self._place(claimed, facts)
                        registered += self._if_lacking(claimed)
        return registered

    def _replace(self, deferred: list[tuple[int, FileFacts]]) -> list[int]:
        """Settle all paths whose audio has changed together: files may have swapped names."""
        registered: list[int] = []
        with self._catalogue.database.transaction():
            claims = [(own, facts, self._claim(facts)) for own, facts in deferred]
            free = [own for own, _, _ in claims if own in self._vacant]
            self._ledger.put_aside(own for own, _, _ in claims if own not in self._moved)
            self._ledger.put_aside(claimed for _, _, claimed in claims if claimed is not None)
            for own, facts, claimed in claims:
                if claimed is not None:
                    self._place(claimed, facts)
                    registered += self._if_lacking(claimed)
                elif own in self._vacant:
                    self._reoccupy(own)
                    self._catalogue.vectors.drop([own])
                    self._place(own, facts)
                    self._updated.add(own)
                    registered.append(own)
                else:
                    registered.append(self._insert(facts))
            homeless = [own for own in free if own in self._vacant]
            self._ledger.remove(homeless)
            self._vacant -= set(homeless)
            self._n_replaced = len(homeless)
        return registered

    def _claim(self, facts: FileFacts) -> int | None:
        """The track of this recording that has lost its place, if there is one.

        Its file may also have been where this run does not look: a folder that was renamed.
        """
        for track_id in self._ledger.ids_with_digest(facts.audio_digest):
            if track_id in self._vacant or self._has_vanished(track_id):
                self._reoccupy(track_id)
                self._moved.add(track_id)
                return track_id
        return None

    def _has_vanished(self, track_id: int) -> bool:
        path = self._ledger.known_file(track_id).path
        is_here = os.path.isabs(path)  # noqa: PTH117 - bytes; an address in an object store is not
        return track_id not in self._added and is_here and not os.path.lexists(path)

    def _reoccupy(self, track_id: int) -> None:
        """Make a track that was gone searchable again; the vector cache learns of it."""
        self._vacant.discard(track_id)
        self._catalogue.revisions.advance()

    def _insert(self, facts: FileFacts) -> int:
        track_id = self._ledger.insert(facts)
        self._added.add(track_id)
        return track_id

    def _place(self, track_id: int, facts: FileFacts) -> None:
        self._ledger.update(track_id, facts)
        self._ledger.drop_failures([(facts.path, facts.part)])

    def _if_lacking(self, track_id: int) -> list[int]:
        if self._catalogue.vectors.has(self._model.id, track_id):
            self._done_quickly("")
            return []
        return [track_id]

    def _measure(self, scanned: Found) -> None:
        """Measure the tracks that an older version analysed."""
        lacking = lacking_tracks(
            self._catalogue, scanned, besides=self._added | self._updated | self._moved
        )
        if not lacking:
            return
        outcome = measure_tracks(
            self._catalogue,
            lacking,
            encoder=self._encoder,
            workers=self._options.workers,
            on_track=self._done,
        )
        self._n_measured = len(outcome.measured)
        self._file_notes += outcome.notes

    def _leave(self, changes: Changes, kept: Unreachable) -> tuple[int, int]:
        """With `prune` remove the tracks that are gone; how many, and how many are only marked."""
        gone = self._vacant.intersection(changes.gone)
        if not self._options.prune:
            return 0, len(gone)
        lost = gone.union(self._vacant.intersection(changes.gone_before)) - kept.folders.keys()
        with self._catalogue.database.transaction():
            self._ledger.remove(sorted(lost))
        return len(lost), len(gone - lost)

    def _fail(self, identified: Identified) -> None:
        sighting = identified.sighting
        self._ledger.put_failure(
            sighting.path,
            sighting.part,
            stat=NO_STATE if identified.is_passing else sighting.stat,
            fingerprint=self._model.fingerprint,
            reason=identified.reason,
        )
        self._failed.append(Failure(os.fsdecode(sighting.path), identified.reason))
        self._done_quickly(os.fsdecode(sighting.path))

    def _identified(self, sightings: Sequence[Sighting]) -> Iterator[Identified]:
        workers = self._options.workers or os.cpu_count() or 1
        for identified in identify_many(sightings, workers=workers):
            if identified.note:
                path = os.fsdecode(identified.sighting.path)
                self._file_notes.append(FileNote(path, identified.note))
            yield identified

    def _done_quickly(self, path: str) -> None:
        self._n_quick += 1
        self._done(path)

    def _done(self, path: str) -> None:
        self._n_done += 1
        if self._on_progress is not None:
            self._on_progress(IndexProgress(self._n_done, self._n_total, path, self._n_quick))

    def _report(self, changes: Changes, kept: Unreachable, n_left: tuple[int, int]) -> IndexReport:
        outcome = self._analysis.outcome
        failed_ids = {track_id for track_id, _ in outcome.failed}
        new_failures = [*self._failed, *(failure for _, failure in outcome.failed)]
        return IndexReport(
            added=len(self._added - failed_ids),
            updated=len(self._updated - failed_ids),
            moved=len(self._moved - failed_ids),
            unchanged=changes.n_unchanged + self._n_touched,
            removed=sum(n_left) + self._n_replaced,
            gone=n_left[1],
            unreachable=len(kept.folders),
            notes=kept.notes,
            failed=(*new_failures, *known_failures(changes)),
            n_analysed=len(outcome.analysed),
            n_duplicates=len(outcome.copied),
            n_measured=self._n_measured,
            seconds=time.monotonic() - self._started,
            file_notes=tuple(dict.fromkeys(self._file_notes)),  # a file of many parts has one
        )
