"""Shards into a library: the tracks, as if `index` had analysed their files here.

A shard is stored in one transaction. What the library has already is passed over, so that the same
command goes on after a crash. A damaged shard is a failure of its own; the others are stored.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from embedder.errors import BadInput, CorruptArtefact, FingerprintMismatch
from index.catalogue.catalogue import Catalogue, ModelRow
from index.catalogue.ledger import NO_STATE, Ledger, PathKey
from index.catalogue.records import Failure
from index.catalogue.sounds import sound_values
from index.catalogue.vector_rows import TrackVectors
from index.indexing.results import FileNote, IndexProgress, IndexReport
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

Shard = tuple[str, ShardHead]


def import_shards(
    library: OpenLibrary,
    address: str,
    *,
    encoder: Encoder,
    on_progress: Callable[[IndexProgress], None] | None = None,
) -> IndexReport:
    """Store the tracks of all shards at an address. Shards of another model are refused."""
    started = time.monotonic()
    place = Place(address)
    shards, newest, damaged = _heads(place, encoder)
    with library.writing() as catalogue:
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
        intake = _Intake(catalogue, model)
        for n_done, (name, head) in enumerate(shards, start=1):
            try:
                tracks = list(read_tracks(place.read(name), head, name=name))
            except CorruptArtefact as error:
                damaged.append(Failure(name, _without_name(error, name)))
            else:
                current_rows = [
                    track for track in tracks if head.written_ns >= newest.get(track.key, 0)
                ]
                intake.store(current_rows, head)
            if on_progress is not None:
                on_progress(IndexProgress(n_done, len(shards), name))
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


def _heads(place: Place, encoder: Encoder) -> tuple[list[Shard], dict[PathKey, int], list[Failure]]:
    """The shards, the oldest first; when each place was last analysed; damaged shards.

    Without the second, a second import would put back what a later shard has replaced.
    """
    shards: list[Shard] = []
    newest: dict[PathKey, int] = {}
    damaged: list[Failure] = []
    names = [file.address for file in place.files() if file.address.endswith(".parquet")]
    if not names:
        raise BadInput(f"{place.address}: no shards. 'soundalike index --shards' writes them.")
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
        shards.append((name, head))
        for key, state in states.items():
            if not state.reason:
                newest[key] = max(newest.get(key, 0), head.written_ns)
    return sorted(shards, key=lambda shard: shard[1].written_ns), newest, damaged


class _Intake:
    """Stores rows in a catalogue that is open to write, and counts."""

    def __init__(self, catalogue: Catalogue, model: ModelRow) -> None:
        self._catalogue = catalogue
        self._ledger = Ledger(catalogue)
        self._model = model
        self._places: dict[PathKey, tuple[int, int, int]] = {
            key: stat[:3] for key, stat in self._ledger.known_stats().items()
        }
        self._added: set[int] = set()
        self._updated: set[int] = set()
        self._n_unchanged = 0
        self._failed: dict[PathKey, Failure] = {}
        self._notes: list[FileNote] = []

    @property
    def report(self) -> IndexReport:
        """The counts so far."""
        return IndexReport(
            added=len(self._added),
            updated=len(self._updated),
            unchanged=self._n_unchanged,
            failed=tuple(self._failed.values()),
            file_notes=tuple(self._notes),
        )

    def store(self, tracks: list[ShardTrack], head: ShardHead) -> None:
        """Store a shard."""
        with self._catalogue.database.transaction():
            made = [row for track in tracks for row in self._stored(track, head)]
            if made:
                self._catalogue.vectors.put(self._model.id, made)

    def _stored(self, track: ShardTrack, head: ShardHead) -> Iterator[TrackVectors]:
        """The track's vectors, if the catalogue lacks them; all else is stored here."""
        path = os.fsdecode(track.facts.path)
        known = self._places.get(track.key)
        is_same = known is not None and known[1:] == track.stat
        if known and is_same and self._catalogue.vectors.has(self._model.id, known[0]):
            self._n_unchanged += 1
            return
        if track.vectors is None:
            self._fail(track, path)
            return
        if track.note:
            self._notes.append(FileNote(path, track.note))
        self._failed.pop(track.key, None)
        self._ledger.drop_failures([(track.facts.path, track.facts.part)])
        if known is None:
            track_id = self._ledger.insert(track.facts)
            self._added.add(track_id)
        else:
            track_id = known[0]
            self._ledger.update(track_id, track.facts)
            if track_id not in self._added:
                self._updated.add(track_id)
        self._places[track.key] = track_id, *track.stat
        self._measured(track_id, track.vectors, head)
        yield TrackVectors(
            track_id,
            track.vectors.vector,
            track.vectors.excerpt_vectors,
            track.vectors.starts_seconds,
            track.vectors.excerpt_seconds,
        )

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
        self._failed[track.key] = Failure(path, track.reason)


def _without_name(error: CorruptArtefact, name: str) -> str:
    return str(error).removeprefix(f"{name}: ")
