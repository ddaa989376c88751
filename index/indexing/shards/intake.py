"""Shards into a library: the tracks, as if `index` had analysed their files here.

Some shards are stored in one transaction. What the library has already is passed over, so that the
same command goes on after a crash. A damaged shard is a failure of its own; the others are stored.
Memory is that of one shard and of the list of their names: what has to be known of all rows stands
in a temporary table.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from embedder.errors import BadInput, CorruptArtefact, FingerprintMismatch
from index.catalogue.arrivals import Arrivals
from index.catalogue.catalogue import Catalogue, ModelRow
from index.catalogue.ledger import NO_STATE, FileFacts, Ledger
from index.catalogue.records import Failure
from index.catalogue.sounds import sound_values
from index.catalogue.vector_rows import TrackVectors
from index.indexing.identify import in_batches
from index.indexing.results import FileNote, IndexProgress, IndexReport
from index.indexing.shards.gone import UNREACHABLE, is_gone_list, read_gone
from index.indexing.shards.places import Place
from index.indexing.shards.records import (
    ShardHead,
    ShardTrack,
    ShardVectors,
    places_in,
    read_head,
    read_tracks,
)
from index.library_folder.copies import find_copies
from index.library_folder.encoder import Encoder
from index.library_folder.model_folder import check_fingerprint
from index.library_folder.model_notes import keep_up, notes_of
from index.library_folder.open_library import OpenLibrary
from index.library_folder.score_fitting import keep_scores
from index.library_folder.upkeep import sync_store

COMMIT_SHARDS = 8
"""As many tracks as `index` commits at once."""


def import_shards(
    library: OpenLibrary,
    address: str,
    *,
    encoder: Encoder,
    prune: bool = False,
    on_progress: Callable[[IndexProgress], None] | None = None,
) -> IndexReport:
    """Store the tracks of all shards at an address. Shards of another model are refused.

    Tracks whose files are gone, as the last run of `index --cluster` found, are marked, and removed
    with `prune`.
    """
    started = time.monotonic()
    place = Place(address)
    files = [file.address for file in place.files() if file.address.endswith(".parquet")]
    names = [name for name in files if not is_gone_list(name)]
    if not names:
        raise BadInput(f"{place.address}: no shards. 'soundalike index --shards' writes them.")
    with library.writing() as catalogue:
        arrivals = Arrivals(catalogue)
        shards, damaged = _survey(place, names, encoder, arrivals)
        damaged += _note_gone(place, encoder, arrivals)
        current = catalogue.current_model()
        if current is not None:
            check_fingerprint(library.folder, current, encoder.fingerprint)
        model = catalogue.model_with(
            encoder.fingerprint,
            embedding_size=encoder.embedding_size,
            geometry=encoder.config.geometry,
            curvature=encoder.config.curvature,
        )
        if current is None:
            Ledger(catalogue).switch_to(model.id)
            library.write_manifest(catalogue)
        keep_up(catalogue, notes_of(encoder))
        intake = _Intake(catalogue, model, arrivals)
        n_done = 0
        for some in in_batches(shards, COMMIT_SHARDS):
            with catalogue.database.transaction():
                for name in some:
                    try:
                        head, tracks = _whole_shard(place.read(name), name)
                    except CorruptArtefact as error:
                        damaged.append(Failure(name, _without_name(error, name)))
                    else:
                        intake.store(tracks, head)
                    n_done += 1
                    if on_progress is not None:
                        on_progress(IndexProgress(n_done, len(shards), name))
        intake.settle_gone(prune=prune)
        store = sync_store(library, catalogue)
        keep_up(catalogue, notes_of(encoder))
        if store is not None:
            find_copies(catalogue, store)
            keep_scores(catalogue, store)
    report = intake.report
    return replace(
        report,
        failed=(*damaged, *report.failed),
        file_notes=tuple(dict.fromkeys(report.file_notes)),
        seconds=time.monotonic() - started,
    )


def _survey(
    place: Place, names: list[str], encoder: Encoder, arrivals: Arrivals
) -> tuple[list[str], list[Failure]]:
    """The shards, the oldest first, and damaged ones; their places are noted.

    Otherwise a second import would put back what a later shard has replaced.
    """
    shards: list[tuple[int, str]] = []
    damaged: list[Failure] = []
    for name in names:
        try:
            content = place.read(name)
            head, states = read_head(content, name=name), places_in(content, name=name)
        except CorruptArtefact as error:
            damaged.append(Failure(name, _without_name(error, name)))
            continue
        if head.fingerprint != encoder.fingerprint:
            raise FingerprintMismatch(
                f"{name}: its vectors were made by another model",
                found=head.fingerprint,
                expected=encoder.fingerprint,
                advice="Give the shards' model with --model, for a new library.",
            )
        shards.append((head.written_ns, name))
        arrivals.note(((key, bool(state.reason)) for key, state in states.items()), head.written_ns)
    return [name for _, name in sorted(shards)], damaged


def _note_gone(place: Place, encoder: Encoder, arrivals: Arrivals) -> list[Failure]:
    """Note which files are gone; the list is a failure of its own if it is damaged."""
    try:
        gone = read_gone(place, encoder.fingerprint)
    except CorruptArtefact as error:
        name, _, reason = str(error).partition(": ")
        return [Failure(name, reason)]
    rows = ((key, reason == UNREACHABLE) for key, reason in gone.reasons.items())
    arrivals.note_gone(rows, gone.written_ns)
    return []


class _Intake:
    """Stores rows in a catalogue that is open to write, and counts."""

    def __init__(self, catalogue: Catalogue, model: ModelRow, arrivals: Arrivals) -> None:
        self._catalogue = catalogue
        self._ledger = Ledger(catalogue)
        self._model = model
        self._arrivals = arrivals
        self._n_added = self._n_updated = self._n_moved = self._n_unchanged = 0
        self._n_duplicates = self._n_removed = self._n_marked = self._n_unreachable = 0
        self._failed: list[Failure] = []
        self._notes: list[FileNote] = []

    @property
    def report(self) -> IndexReport:
        """The counts so far."""
        return IndexReport(
            added=self._n_added,
            updated=self._n_updated,
            moved=self._n_moved,
            unchanged=self._n_unchanged,
            removed=self._n_removed + self._n_marked,
            gone=self._n_marked,
            unreachable=self._n_unreachable,
            n_duplicates=self._n_duplicates,
            notes=_notes(self._n_unreachable),
            failed=tuple(self._failed),
            file_notes=tuple(self._notes),
        )

    def store(self, tracks: list[ShardTrack], head: ShardHead) -> None:
        """Store a shard."""
        made = [row for track in tracks for row in self._stored(track, head)]
        if made:
            self._catalogue.vectors.put(self._model.id, made)

    def _stored(self, track: ShardTrack, head: ShardHead) -> Iterator[TrackVectors]:
        """The track's vectors, if the catalogue lacks them; all else is stored here."""
        vectors = track.vectors
        if not self._arrivals.take(track.key, head.written_ns, has_failed=vectors is None):
            return
        path, facts = os.fsdecode(track.facts.path), track.facts
        known = self._arrivals.stat_at(facts.path, facts.part)
        is_same = known is not None and known[1:3] == track.stat
        if known and is_same and self._catalogue.vectors.has(self._model.id, known[0]):
            if known[3]:
                self._ledger.mark_gone([known[0]], is_gone=False)
            self._n_unchanged += 1
            return
        if vectors is None:
            self._fail(track, path)
            return
        if track.note:
            self._notes.append(FileNote(path, track.note))
        self._ledger.drop_failures([(facts.path, facts.part)])
        if known is None:
            track_id = self._claimed_or_new(facts)
        else:
            track_id = known[0]
            self._ledger.update(track_id, facts)
            self._n_updated += 1
        self._measured(track_id, vectors, head)
        yield TrackVectors(
            track_id,
            vectors.vector,
            vectors.excerpt_vectors,
            vectors.starts_seconds,
            vectors.excerpt_seconds,
        )

    def _claimed_or_new(self, facts: FileFacts) -> int:
        """The track of this recording whose file is gone, at its new place; else a new track."""
        other = self._arrivals.track_of(facts.audio_digest)
        if other is not None and other[1]:
            self._ledger.update(other[0], facts)
            self._n_moved += 1
            return other[0]
        self._n_added += 1
        self._n_duplicates += other is not None
        return self._ledger.insert(facts)

    def settle_gone(self, *, prune: bool) -> None:
        """Mark or remove the tracks whose files are gone."""
        self._arrivals.drop_failures_gone()
        for some in self._arrivals.gone():
            lost = {track_id for track_id, _, is_kept in some if prune and not is_kept}
            marked = [i for i, is_marked, _ in some if not is_marked and i not in lost]
            with self._catalogue.database.transaction():
                self._ledger.remove(sorted(lost))
                self._ledger.mark_gone(marked)
            self._n_removed += len(lost)
            self._n_marked += len(marked)
            self._n_unreachable += sum(is_kept for _, _, is_kept in some)

    def _measured(self, track_id: int, vectors: ShardVectors, head: ShardHead) -> None:
        if head.tags:
            values = sound_values(head.tags, vectors.tag_probabilities)
            self._ledger.replace_sounds(track_id, values)
        self._catalogue.measured.put(track_id, vectors.measured)

    def _fail(self, track: ShardTrack, path: str) -> None:
        self._ledger.put_failure(
            track.facts.path,
            track.facts.part,
            stat=NO_STATE if track.is_passing else track.stat,
            fingerprint=self._model.fingerprint,
            reason=track.reason,
        )
        self._failed.append(Failure(path, track.reason))


def _notes(n_unreachable: int) -> tuple[str, ...]:
    if not n_unreachable:
        return ()
    tracks = "1 track is" if n_unreachable == 1 else f"{n_unreachable:,} tracks are"
    return (
        f"{tracks} gone from folders without any file, where a disk may have been missing when "
        "'index --cluster' looked. --prune leaves them.",
    )


def _whole_shard(content: bytes, name: str) -> tuple[ShardHead, list[ShardTrack]]:
    head = read_head(content, name=name)
    return head, list(read_tracks(content, head, name=name))


def _without_name(error: CorruptArtefact, name: str) -> str:
    return str(error).removeprefix(f"{name}: ")
