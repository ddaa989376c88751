"""What a scan means for a library: what is new, changed, gone, or without a vector. Only reads."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import Ledger, path_key
from index.catalogue.records import Failure
from index.indexing.changes import Changes, Known, compare, known_failures
from index.indexing.empty_folders import Unreachable, refuse_empty_folders, unreachable
from index.indexing.measuring import lacking_tracks
from index.indexing.request import IndexOptions
from index.indexing.results import IndexReport, OnScan
from index.indexing.scan import Found, is_passed_over, scan

NO_MODEL = 0
"""The id of a model that the catalogue does not have: every track lacks its vector."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A scan, compared with the catalogue."""

    scanned: Found
    changes: Changes
    unfinished: set[int] = field(default_factory=set)
    """Tracks that an earlier run, or an earlier model, left without a vector of the model."""
    seen: set[int] = field(default_factory=set)
    """Those of them whose files the scan found unchanged."""
    unmeasured: frozenset[int] = frozenset()
    """Tracks with a vector of the model that the scan found unchanged, and that lack what this
    version measures."""
    is_migration: bool = False
    """The model is not the one that searches use."""
    unreachable: Unreachable = field(default_factory=Unreachable)
    """Tracks that are gone, and that `prune` must leave."""


def survey(
    catalogue: Catalogue | None,
    paths: Sequence[Path],
    *,
    fingerprint: str,
    options: IndexOptions,
    on_scan: OnScan | None = None,
) -> Survey:
    """Scan some paths and compare them with a catalogue; None: a library that is not made yet."""
    scanned = scan(paths, rules=options.rules, on_scan=on_scan)
    if catalogue is None:
        catalogued = Known({}, {}, {}, fingerprint)
        return Survey(
            scanned, compare(scanned, catalogued, roots=[], retry_failed=options.retry_failed)
        )
    ledger = Ledger(catalogue)
    failures = ledger.failures()
    catalogued = Known(ledger.known_stats(), ledger.stretches(), failures, fingerprint)
    roots = [os.fsencode(os.path.abspath(path)) for path in paths]
    changes = compare(scanned, catalogued, roots=roots, retry_failed=options.retry_failed)
    gone_ids = (*changes.gone, *changes.gone_before)
    places = {track_id: ledger.known_file(track_id).path for track_id in gone_ids}
    for ids in (changes.gone, changes.gone_before):
        ids[:] = [i for i in ids if not is_passed_over(places[i], scanned, options.rules)]
    if options.prune and not options.allow_empty:
        refuse_empty_folders(paths, scanned, changes, places)
    missing = {i: places[i] for ids in (changes.gone, changes.gone_before) for i in ids}
    out_of_reach = Unreachable() if options.allow_empty else unreachable(missing)
    model = catalogue.find_model(fingerprint)
    current = catalogue.current_model()
    part_keys = {path_key(part.path, part.cue.number) for part in scanned.parts}
    changed = {track_id for track_id, _ in changes.changed}
    unfinished: set[int] = set()
    seen: set[int] = set()
    for track_id in ledger.lacking(model.id if model else NO_MODEL):
        file = ledger.known_file(track_id)
        key = path_key(file.path, file.part)
        state = (file.size_bytes, file.modified_ns, fingerprint)
        if not options.retry_failed and key in failures and failures[key][:3] == state:
            continue
        unfinished.add(track_id)
        if track_id not in changed and (key in scanned.files or key in part_keys):
            seen.add(track_id)
    changes.n_unchanged -= len(seen)  # they are counted as new, or as new to this model
    is_migration = current is not None and (model is None or current.id != model.id)
    unmeasured = lacking_tracks(catalogue, scanned).keys() - unfinished - changed
    return Survey(
        scanned, changes, unfinished, seen, frozenset(unmeasured), is_migration, out_of_reach
    )


def forecast(
    catalogue: Catalogue | None,
    paths: Sequence[Path],
    *,
    fingerprint: str,
    options: IndexOptions,
    on_scan: OnScan | None = None,
) -> IndexReport:
    """What a run would do, as far as can be told without reading a file."""
    started = time.monotonic()
    surveyed = survey(catalogue, paths, fingerprint=fingerprint, options=options, on_scan=on_scan)
    changes, n_seen = surveyed.changes, len(surveyed.seen)
    out_of_reach = surveyed.unreachable
    notes = out_of_reach.notes
    gone = {*changes.gone, *changes.gone_before}
    pruned = gone - out_of_reach.folders.keys() if options.prune else set()
    marked = set(changes.gone) - pruned
    if changes.new and changes.gone:
        notes += ("Some new files may be missing ones that were moved. A real run will tell.",)
    unreadable = [Failure(os.fsdecode(path), why) for path, why in surveyed.scanned.unreadable]
    return IndexReport(
        added=len(changes.new) + (0 if surveyed.is_migration else n_seen),
        updated=len(changes.changed) + (n_seen if surveyed.is_migration else 0),
        unchanged=changes.n_unchanged,
        removed=len(pruned) + len(marked),
        gone=len(marked),
        unreachable=len(out_of_reach.folders),
        failed=(*unreadable, *known_failures(changes)),
        n_measured=len(surveyed.unmeasured),
        seconds=time.monotonic() - started,
        is_dry_run=True,
        notes=notes,
    )
