"""Batches whose processes die: how often each has begun, and what became of it.

Ray gives a batch whose process died to another process, without limit, so a file that kills its
process would keep a run busy for ever. A killed process cannot count itself: one small process of
the cluster counts for all. The first deaths of a batch may be a machine's own, so the batch is
repeated; then its files are done one by one, and a file that goes on killing is a failure. If
processes die before they finish anything, the run ends.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from embedder.errors import StorageError
from index.indexing.changes import Sighting
from index.indexing.shards.work import ShardMaker, shard_name

BATCH_BEGINNINGS = 2
"""So often a batch is begun as a whole."""
FILE_BEGINNINGS = 3
"""So often a file is begun by itself: machines that are switched off are no fault of the file."""
STARTS_A_WORKER = 10
"""So often processes start, for each of a run, before one of them has finished anything."""
DEADLY = "the process that analyses it ended each time"
TOO_LARGE = "analysing it takes more memory than there is"

Failed = list[tuple[str, str]]
"""Paths and reasons."""


class Beginnings:
    """How often each shard was begun, and what failed in those that are finished."""

    def __init__(self) -> None:
        self._n_begun: dict[str, int] = {}
        self._finished: dict[str, Failed] = {}
        self._n_started = 0

    def start(self) -> int:
        """A process starts; how many have started since anything was finished."""
        self._n_started += 1
        return self._n_started

    def begin(self, name: str) -> tuple[int, Failed | None]:
        """How often it was begun before, and what failed in it if it is finished."""
        n_before = self._n_begun.get(name, 0)
        self._n_begun[name] = n_before + 1
        return n_before, self._finished.get(name)

    def finish(self, name: str, failed: Failed) -> None:
        """Keep what failed in a shard of one file: a repeated batch passes it over."""
        self._finished[name] = failed
        self._n_started = 0

    def forget(self, names: Sequence[str]) -> None:
        """A batch is done."""
        self._n_started = 0
        for name in names:
            self._n_begun.pop(name, None)
            self._finished.pop(name, None)


class Counting(Protocol):
    """`Beginnings`, wherever it is."""

    def start(self) -> int: ...  # noqa: D102 - see Beginnings
    def begin(self, name: str) -> tuple[int, Failed | None]: ...  # noqa: D102 - see Beginnings
    def finish(self, name: str, failed: Failed) -> None: ...  # noqa: D102 - see Beginnings
    def forget(self, names: Sequence[str]) -> None: ...  # noqa: D102 - see Beginnings


class RemoteBeginnings:
    """`Beginnings` in a process of a Ray cluster, for all others."""

    def __init__(self, actor: Any, get: Callable[[Any], Any]) -> None:
        self._actor, self._get = actor, get

    def start(self) -> int:
        """As there."""
        return int(self._get(self._actor.start.remote()))

    def begin(self, name: str) -> tuple[int, Failed | None]:
        """As there."""
        answer: tuple[int, Failed | None] = self._get(self._actor.begin.remote(name))
        return answer

    def finish(self, name: str, failed: Failed) -> None:
        """As there."""
        self._get(self._actor.finish.remote(name, failed))

    def forget(self, names: Sequence[str]) -> None:
        """As there."""
        self._get(self._actor.forget.remote(list(names)))


def check_starts(beginnings: Counting, *, most: int) -> None:
    """Count the start of a process; raises StorageError if they die without finishing anything."""
    if beginnings.start() > most:
        raise StorageError(
            "the cluster's processes end before they finish anything. Is there too little memory? "
            "--workers N starts fewer."
        )


def make_surviving(
    maker: ShardMaker, sightings: Sequence[Sighting], beginnings: Counting
) -> tuple[int, Failed]:
    """The shard of a batch, or one for each file if it has killed; how many, and what failed."""
    name = shard_name(maker.fingerprint, sightings)
    n_before, _ = beginnings.begin(name)
    singles = [shard_name(maker.fingerprint, [sighting]) for sighting in sightings]
    if n_before < BATCH_BEGINNINGS:
        try:
            failed = maker.make(sightings)
        except MemoryError:
            pass  # perhaps one file alone takes so much
        else:
            beginnings.forget([name])
            return 1, failed
    failed = []
    for sighting, single in zip(sightings, singles, strict=True):
        failed += _alone(maker, sighting, beginnings, name=single)
    beginnings.forget([name, *singles])
    return len(sightings), failed


def _alone(maker: ShardMaker, sighting: Sighting, beginnings: Counting, *, name: str) -> Failed:
    n_before, finished = beginnings.begin(name)
    if finished is not None:
        return finished
    if n_before >= FILE_BEGINNINGS:
        failed = maker.give_up(sighting, DEADLY)
    else:
        try:
            failed = maker.make([sighting])
        except MemoryError:
            failed = maker.give_up(sighting, TOO_LARGE)
    beginnings.finish(name, failed)
    return failed
