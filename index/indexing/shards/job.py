"""Analysing music on a cluster of processes: a Ray Data job that writes Parquet shards.

    files ── without those that shards have ──▶ batches ──▶ actors with a model ──▶ shards

A batch's shard has a name that follows from its files, and appears whole. So a worker that is
killed loses nothing but its batch, which another one repeats (`deaths` says how often), and a
second run does only what is new. Files on a disk must be at the same paths on every machine; those
of an object store are copied to a temporary folder, one batch at a time.
"""

import json
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedder.audio.suffixes import AUDIO_SUFFIXES
from embedder.errors import (
    CorruptArtefact,
    MissingAudio,
    SoundalikeError,
    StorageError,
)
from embedder.models.card import read_card
from index.catalogue.ledger import PathKey
from index.catalogue.records import Failure, Json
from index.indexing.changes import Sighting
from index.indexing.identify import in_batches
from index.indexing.request import ScanRules
from index.indexing.results import IndexProgress, OnScan
from index.indexing.scan import is_taken, scan
from index.indexing.shards.deaths import (
    STARTS_A_WORKER,
    Beginnings,
    RemoteBeginnings,
    check_starts,
    make_surviving,
)
from index.indexing.shards.places import Place, is_remote
from index.indexing.shards.ray_cluster import ray_running, reason_of
from index.indexing.shards.records import PlaceState, places_in, read_head
from index.indexing.shards.work import ShardMaker

BATCH_TRACKS = 32
"""A killed worker repeats at most so many."""
MOST_BLOCKS = 10_000
"""Ray keeps a record of each."""


@dataclass(frozen=True, slots=True)
class ShardReport:
    """What a run wrote."""

    place: str
    added: int
    unchanged: int
    """Tracks that the shards had already."""
    shards: int
    """Shards that were written."""
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
    on_progress: Callable[[IndexProgress], None] | None = None,
    on_scan: OnScan | None = None,
) -> ShardReport:
    """Analyse what the shards at a place do not have yet.

    cluster: `local` for processes of this machine, or the address of a Ray cluster. workers: how
    many processes; None: one for each core of the cluster.
    """
    started = time.monotonic()
    fingerprint = read_card(model).fingerprint
    sightings, unreadable = _sightings(paths, rules or ScanRules(), on_scan)
    present, notes = _present(Place(place), fingerprint)
    todo = [
        sighting
        for sighting in sightings
        if sighting.key not in present
        or present[sighting.key].stat != sighting.stat
        or (retry_failed and present[sighting.key].reason)
    ]
    waiting = {sighting.key for sighting in todo}
    before = [present[sighting.key] for sighting in sightings if sighting.key not in waiting]
    if on_scan is not None:
        on_scan(len(sightings), len(todo))
    failed = [Failure(os.fsdecode(path), reason) for path, reason in unreadable]
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
            for result in _results(todo, _files_of(model), address, n_workers):
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
        failed=tuple(failed),
        notes=notes,
        seconds=time.monotonic() - started,
    )


def _sightings(
    paths: Sequence[str], rules: ScanRules, on_scan: OnScan | None
) -> tuple[list[Sighting], list[tuple[bytes, str]]]:
    """The tracks at paths and addresses, by their places; and what cannot be read."""
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
    return sorted(unique.values(), key=lambda sighting: sighting.key), scanned.unreadable


def _present(place: Place, fingerprint: str) -> tuple[dict[PathKey, PlaceState], tuple[str, ...]]:
    """The state of each track in the model's shards; and what is damaged.

    A file that may be readable later is not among them.
    """
    present: dict[PathKey, PlaceState] = {}
    notes: list[str] = []
    shards = sorted(_shards(place, fingerprint, notes), key=lambda shard: shard[0])
    for _, stats in shards:
        for key, state in stats.items():
            present.pop(key, None)
            if not state.is_passing:
                present[key] = state
    return present, tuple(notes)


def _shards(
    place: Place, fingerprint: str, notes: list[str]
) -> Iterator[tuple[int, dict[PathKey, PlaceState]]]:
    for file in place.files():
        if not file.address.endswith(".parquet"):
            continue
        content = place.read(file.address)
        try:
            head = read_head(content, name=file.address)
            if head.fingerprint == fingerprint:
                yield head.written_ns, places_in(content, name=file.address)
        except CorruptArtefact as error:
            notes.append(f"{error}: its tracks are analysed again")


def _files_of(model: Path) -> dict[str, bytes]:
    """A model's files by their names, to be sent to other machines."""
    return {
        path.relative_to(model).as_posix(): path.read_bytes()
        for path in sorted(model.rglob("*"))
        if path.is_file()
    }


class _Actor:
    """In a process of the cluster: a row with a batch becomes a shard."""

    def __init__(self, model: list[Any], place: str, counter: Any, most_starts: int) -> None:
        import ray

        self._beginnings = RemoteBeginnings(counter, ray.get)
        check_starts(self._beginnings, most=most_starts)
        # A reference in a list stays one, and the driver keeps what it refers to.
        self._maker = ShardMaker.with_model(ray.get(model[0]), place)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        sightings: list[Sighting] = pickle.loads(row["batch"])  # noqa: S301 - from the driver
        n_shards, failed = make_surviving(self._maker, sightings, self._beginnings)
        return {
            "n_shards": n_shards,
            "n_tracks": len(sightings),
            "path": os.fsdecode(sightings[-1].path).encode("utf-8", "replace").decode(),
            "failed": json.dumps(failed),
        }


def _results(
    todo: Sequence[Sighting], model_files: dict[str, bytes], place: str, n_workers: int
) -> Iterator[dict[str, Any]]:
    import ray

    batches = [{"batch": pickle.dumps(batch)} for batch in in_batches(todo, BATCH_TRACKS)]
    data = ray.data.from_items(batches, override_num_blocks=min(len(batches), MOST_BLOCKS))
    counter = ray.remote(num_cpus=0)(Beginnings).remote()
    mapped = data.map(
        _Actor,  # type: ignore[arg-type]  # a class is meant for actors
        fn_constructor_args=([ray.put(model_files)], place, counter, STARTS_A_WORKER * n_workers),
        compute=ray.data.ActorPoolStrategy(size=min(n_workers, len(batches))),
        num_cpus=1,
    )
    try:
        yield from mapped.iter_rows()
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        if isinstance(cause, SoundalikeError):
            raise cause from error
        raise StorageError(f"the cluster ended the work: {reason_of(error)}") from error
