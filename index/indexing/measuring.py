"""Tracks that an older version analysed are measured: decoded again, without the model.

Only tracks that the scan found are measured. Copies of a recording are measured once. Commits in
small batches.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from embedder.encoding.requests import MeasuringResult, TrackMeasures
from embedder.features.measuring.measurers import current_versions, measurer_names
from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import KnownFile, Ledger, path_key
from index.indexing.files import has_changed, request_of
from index.indexing.results import FileNote
from index.indexing.scan import Found
from index.library_folder.encoder import Encoder

BATCH_TRACKS = 64
BATCH_SECONDS = 5.0

Lacking = Mapping[int, tuple[str, ...]]
"""By track: the measurers whose record it lacks."""


@dataclass(slots=True)
class MeasuringOutcome:
    """The tracks that were measured or got the values of a copy, and why others failed."""

    measured: list[int] = field(default_factory=list)
    notes: list[FileNote] = field(default_factory=list)


def lacking_tracks(catalogue: Catalogue, scanned: Found, *, besides: Iterable[int] = ()) -> Lacking:
    """The tracks that a scan found, or that are given, and that lack a measurer's record."""
    lacking = catalogue.measured.lacking(current_versions())
    if not lacking:
        return {}
    ledger, given = Ledger(catalogue), set(besides)
    parts = {path_key(part.path, part.cue.number) for part in scanned.parts}

    def is_present(track_id: int) -> bool:
        file = ledger.known_file(track_id)
        key = path_key(file.path, file.part)
        return track_id in given or key in scanned.files or key in parts

    return {track_id: names for track_id, names in lacking.items() if is_present(track_id)}


def measure_tracks(
    catalogue: Catalogue,
    lacking: Lacking,
    *,
    encoder: Encoder,
    workers: int | None,
    on_track: Callable[[str], None],
) -> MeasuringOutcome:
    """Give each track the records that it lacks."""
    ledger, outcome = Ledger(catalogue), MeasuringOutcome()
    by_recording: dict[bytes, list[KnownFile]] = {}
    for track_id in lacking:
        track = ledger.known_file(track_id)
        by_recording.setdefault(track.audio_digest, []).append(track)
    groups = []
    with catalogue.database.transaction():
        for digest, copies in by_recording.items():
            source = _measured_copy(catalogue, ledger.ids_with_digest(digest), lacking)
            if source is None:
                groups.append(copies)
            else:
                _copy_to(ledger, source, copies, outcome)
    names = tuple(name for name in measurer_names() if any(name in n for n in lacking.values()))
    requests = [request_of(copies[0], measurers=names) for copies in groups]
    batch: list[tuple[list[KnownFile], MeasuringResult]] = []
    committed_at = time.monotonic()
    try:
        results = encoder.measure_many(requests, workers=workers)
        for copies, result in zip(groups, results, strict=True):
            batch.append((copies, result))
            on_track(os.fsdecode(copies[0].path))
            is_late = time.monotonic() - committed_at > BATCH_SECONDS
            if len(batch) >= BATCH_TRACKS or is_late:
                full, batch = batch, []
                _commit(catalogue, ledger, full, names, outcome)
                committed_at = time.monotonic()
    finally:
        _commit(catalogue, ledger, batch, names, outcome)
    return outcome


def _commit(
    catalogue: Catalogue,
    ledger: Ledger,
    batch: list[tuple[list[KnownFile], MeasuringResult]],
    names: tuple[str, ...],
    outcome: MeasuringOutcome,
) -> None:
    versions = current_versions()
    with catalogue.database.transaction():
        for copies, result in batch:
            track = copies[0]
            if has_changed(track):
                continue  # it is another recording now: the next run analyses it
            if isinstance(result, TrackMeasures):
                catalogue.measured.put(track.id, result.measured)
                outcome.measured.append(track.id)
            else:
                path = os.fsdecode(track.path)
                outcome.notes.append(FileNote(path, f"not measured: {result.reason}"))
                if result.is_passing or not os.path.lexists(track.path):
                    continue
                catalogue.measured.put_nothing(track.id, {name: versions[name] for name in names})
            _copy_to(ledger, track.id, copies[1:], outcome)


def _copy_to(
    ledger: Ledger, source_id: int, copies: list[KnownFile], outcome: MeasuringOutcome
) -> None:
    for copy in copies:
        ledger.copy_measurements(source_id, copy.id)
        outcome.measured.append(copy.id)


def _measured_copy(catalogue: Catalogue, ids: list[int], lacking: Lacking) -> int | None:
    """A track that has all records, if there is one."""
    versions = current_versions()
    for track_id in ids:
        if track_id not in lacking and catalogue.measured.has(track_id, versions):
            return track_id
    return None
