"""Batches of files on the processes of a Ray cluster: each has a model, and writes shards."""

import json
import os
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from embedder.errors import SoundalikeError, StorageError
from index.indexing.changes import Sighting
from index.indexing.identify import in_batches
from index.indexing.shards.deaths import (
    STARTS_A_WORKER,
    Beginnings,
    RemoteBeginnings,
    check_starts,
    make_surviving,
)
from index.indexing.shards.ray_cluster import reason_of
from index.indexing.shards.work import ShardMaker

BATCH_TRACKS = 32
"""A killed worker repeats at most so many."""
MOST_BLOCKS = 10_000
"""Ray keeps a record of each."""


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


def batch_results(
    todo: Sequence[Sighting], model: Path, place: str, n_workers: int
) -> Iterator[dict[str, Any]]:
    """A record for each batch that is done, in any order. Needs a connection to Ray."""
    import ray

    batches = [{"batch": pickle.dumps(batch)} for batch in in_batches(todo, BATCH_TRACKS)]
    data = ray.data.from_items(batches, override_num_blocks=min(len(batches), MOST_BLOCKS))
    counter = ray.remote(num_cpus=0)(Beginnings).remote()
    most_starts = STARTS_A_WORKER * n_workers
    mapped = data.map(
        _Actor,  # type: ignore[arg-type]  # a class is meant for actors
        fn_constructor_args=([ray.put(_files_of(model))], place, counter, most_starts),
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


def _files_of(model: Path) -> dict[str, bytes]:
    """A model's files by their names, to be sent to other machines."""
    return {
        path.relative_to(model).as_posix(): path.read_bytes()
        for path in sorted(model.rglob("*"))
        if path.is_file()
    }
