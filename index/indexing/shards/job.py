"""Analysing music on a cluster of processes: a Ray Data job that writes Parquet shards.

    files ── without those that shards have ──▶ batches ──▶ actors with a model ──▶ shards

A batch's shard has a name that follows from its files, and appears whole. So a worker that is
killed loses nothing but its batch, which another one repeats (`deaths` says how often), and a
second run does only what is new. Files on a disk must be at the same paths on every machine; those
of an object store are copied to a temporary folder, one batch at a time.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedder.audio.suffixes import AUDIO_SUFFIXES
from embedder.errors import CorruptArtefact, MissingAudio
from embedder.models.card import read_card
from index.catalogue.ledger import PathKey
from index.catalogue.records import Failure, Json
from index.indexing.changes import Sighting
from index.indexing.request import ScanRules
from index.indexing.results import IndexProgress, OnScan
from index.indexing.scan import Found, is_taken, scan
from index.indexing.shards.gone import Look, is_gone_list, settle_gone
from index.indexing.shards.places import Place, is_remote
from index.indexing.shards.ray_cluster import ray_running
from index.indexing.shards.ray_work import batch_results
from index.indexing.shards.records import PlaceState, places_in, read_head


@dataclass(frozen=True, slots=True)
class ShardReport:
    """What a run wrote."""

    place: str
    added: int
    unchanged: int
    """Tracks that the shards had already."""
    shards: int
    """Shards that were written."""
    gone: int
    """Tracks that the shards have, and whose files are missing since this run."""
    unreachable: int
    """Missing tracks whose folders are there and empty."""
    failed: tuple[Failure, ...]
    notes: tuple[str, ...]
    seconds: float

    def to_json(self) -> Json:
        """The fields by their names."""
        return {
            "place": self.place,
            "added": self.added,
            "unchanged": self.unchanged,
            "shards": self.shards,
            "gone": self.gone,
            "unreachable": self.unreachable,
            "failed": [failure.to_json() for failure in self.failed],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }


def write_shards(
    paths: Sequence[str],
    place: str,
    *,
    cluster: str,
    model: Path,
    rules: ScanRules | None = None,
    workers: int | None = None,
    retry_failed: bool = False,
    allow_empty: bool = False,
    on_progress: Callable[[IndexProgress], None] | None = None,
    on_scan: OnScan | None = None,
) -> ShardReport:
    """Analyse what the shards at a place do not have yet.

    cluster: `local` for processes of this machine, or the address of a Ray cluster. workers: how
    many processes; None: one for each core of the cluster. allow_empty: the tracks of empty folders
    are as gone as others.
    """
    started = time.monotonic()
    fingerprint = read_card(model).fingerprint
    rules = rules or ScanRules()
    sightings, scanned = _sightings(paths, rules, on_scan)
    present, notes = _present(Place(place), fingerprint)
    look = Look(paths, {sighting.key for sighting in sightings}, scanned, rules)
    missing = settle_gone(Place(place), fingerprint, present, look, allow_empty=allow_empty)
    todo = [
        sighting
        for sighting in sightings
        if _is_to_do(sighting, present.get(sighting.key), retry_failed=retry_failed)
    ]
    waiting = {sighting.key for sighting in todo}
    before = [present[sighting.key] for sighting in sightings if sighting.key not in waiting]
    if on_scan is not None:
        on_scan(len(sightings), len(todo))
    failed = [Failure(os.fsdecode(path), reason) for path, reason in scanned.unreadable]
    failed += [
        Failure(os.fsdecode(sighting.path), present[sighting.key].reason, is_known=True)
        for sighting in sightings
        if sighting.key not in waiting and present[sighting.key].reason
    ]
    n_failed_before = len(failed)
    n_done = n_shards = 0
    if todo:
        address = place if is_remote(place) else os.path.abspath(place)
        with ray_running(cluster, workers) as n_workers:
            for result in batch_results(todo, model, address, n_workers):
                n_shards += result["n_shards"]
                n_done += result["n_tracks"]
                failed += [Failure(*pair) for pair in json.loads(result["failed"])]
                if on_progress is not None:
                    on_progress(IndexProgress(n_done, len(todo), result["path"]))
    return ShardReport(
        place=place,
        added=len(todo) - (len(failed) - n_failed_before),
        unchanged=sum(not state.reason for state in before),
        shards=n_shards,
        gone=sum(not present[key].reason for key in missing.new),
        unreachable=len(missing.kept.folders),
        failed=tuple(failed),
        notes=(*notes, *missing.kept.notes),
        seconds=time.monotonic() - started,
    )


def _sightings(
    paths: Sequence[str], rules: ScanRules, on_scan: OnScan | None
) -> tuple[list[Sighting], Found]:
    """The tracks at paths and addresses, by their places; and the scan of the paths."""
    local = [Path(path) for path in paths if not is_remote(path)]
    scanned = scan(local, rules=rules, on_scan=on_scan)
    sightings = [Sighting(path, *stat) for path, stat in scanned.files.items()]
    sightings += [
        Sighting(part.path, part.size_bytes, part.modified_ns, part.cue) for part in scanned.parts
    ]
    for address in filter(is_remote, paths):
        place = Place(address)
        files = place.files()
        if not files:
            raise MissingAudio(address, "no such file or folder")
        n_root = len(os.fsencode(place.address)) + 1
        for file in files:
            path = os.fsencode(file.address)
            suffix = file.address.rpartition(".")[2].lower()
            is_alone = file.address == place.address
            if is_alone or (suffix in AUDIO_SUFFIXES and is_taken(path[n_root:], rules)):
                sightings.append(Sighting(path, file.size_bytes, file.modified_ns))
    unique = {sighting.key: sighting for sighting in sightings}
    return sorted(unique.values(), key=lambda sighting: sighting.key), scanned


def _is_to_do(sighting: Sighting, state: PlaceState | None, *, retry_failed: bool) -> bool:
    if state is None or state.stat != sighting.stat:
        return True
    return state.is_passing or (retry_failed and bool(state.reason))


def _present(place: Place, fingerprint: str) -> tuple[dict[PathKey, PlaceState], tuple[str, ...]]:
    """The newest state of each track in the model's shards; and what is damaged."""
    present: dict[PathKey, PlaceState] = {}
    notes: list[str] = []
    for _, states in sorted(_shards(place, fingerprint, notes), key=lambda shard: shard[0]):
        present |= states
    return present, tuple(notes)


def _shards(
    place: Place, fingerprint: str, notes: list[str]
) -> Iterator[tuple[int, dict[PathKey, PlaceState]]]:
    for file in place.files():
        if not file.address.endswith(".parquet") or is_gone_list(file.address):
            continue
        content = place.read(file.address)
        try:
            head = read_head(content, name=file.address)
            if head.fingerprint == fingerprint:
                yield head.written_ns, places_in(content, name=file.address)
        except CorruptArtefact as error:
            notes.append(f"{error}: its tracks are analysed again")
