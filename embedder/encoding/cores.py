"""Encoding many tracks on a CPU: each worker takes groups of tracks through all steps on one core.

    thread 1 ──▶ this process (one thread at a time), with a decoder process
    thread 2 ──▶ child 1, as soon as it is ready
    thread 3 ──▶ child 2 …

No file is decoded in this process: one that crashes FFmpeg would end the run. A child takes a
second to start (with torch five), so children are started only if there is more work than that.
Until they are ready, threads take turns in this process. A child that ended is replaced, and the
tracks that it had are decoded one by one: only the file that ended it fails.
"""

import threading
from collections.abc import Iterable, Iterator
from typing import Self

from embedder.encoding.processes.decoder import DecoderProcess
from embedder.encoding.processes.encoder import EncoderProcess
from embedder.encoding.requests import EncodingFailure, EncodingResult, TrackRequest
from embedder.encoding.steps import EncodingSteps
from embedder.encoding.threads import in_groups, map_in_threads
from embedder.processes.limits import use_one_heap

GROUP_EXCERPTS = 4
"""A worker takes about this many excerpts at a time: more would leave other workers idle."""
START_AFTER_GROUPS = 4
"""With groups of four excerpts, about a second of work, as much as starting a child without torch
takes: there may be much more."""
MAX_REPLACEMENTS = 8
"""Of children in one run. More deaths have another cause than some hostile files."""

Group = list[TrackRequest]


def encode_on_cores(
    steps: EncodingSteps, requests: Iterable[TrackRequest], *, n_workers: int, ordered: bool
) -> Iterator[EncodingResult]:
    """Each track's encoding or failure; a worker uses one core."""
    use_one_heap()
    groups = in_groups(requests, steps.tracks_of(GROUP_EXCERPTS))
    with steps.runtime.one_core_each(), Cores(steps, n_workers) as cores:
        for results in map_in_threads(
            cores.encode_group,
            groups,
            workers=n_workers,
            ordered=ordered,
            ahead=8 * n_workers,
            start_thread=steps.runtime.start_thread,
        ):
            yield from results


class Cores:
    """One process per core: ours and its children. Up to `n_workers` threads call it."""

    def __init__(self, steps: EncodingSteps, n_workers: int) -> None:
        self._steps = steps
        self._n_children = n_workers - 1
        self._turn_here = threading.Lock()
        self._decoder = DecoderProcess(steps.config)
        self._children_lock = threading.Lock()
        self._children: list[EncoderProcess] = []
        self._busy: set[int] = set()
        self._n_groups = 0
        self._n_replaced = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._decoder.close()
        for child in self._children:
            child.close()

    def encode_group(self, group: Group) -> list[EncodingResult]:
        """Encode a group in a free child, or in this process if none is free."""
        child = self._free_child()
        if child is None:
            return self._here(group)
        try:
            results = child.encode_group(group)
        finally:
            with self._children_lock:
                self._busy.discard(id(child))
        return results if results is not None else self._one_by_one(group)

    def _here(self, group: Group) -> list[EncodingResult]:
        try:
            with self._turn_here:
                return self._steps.encode_group(group, self._decoder.load)
        except MemoryError:
            return self._one_by_one(group)

    def _free_child(self) -> EncoderProcess | None:
        with self._children_lock:
            self._n_groups += 1
            if self._n_groups > START_AFTER_GROUPS and not self._children:
                self._children = [_start_child(self._steps) for _ in range(self._n_children)]
            self._replace_ended()
            for child in self._children:
                if child.is_ready and id(child) not in self._busy:
                    self._busy.add(id(child))
                    return child
        return None

    def _replace_ended(self) -> None:
        for position, child in enumerate(self._children):
            is_lost = child.is_gone and not child.has_other_model
            if is_lost and id(child) not in self._busy:
                if self._n_replaced == MAX_REPLACEMENTS:
                    return
                self._n_replaced += 1
                child.close()
                self._children[position] = _start_child(self._steps)

    def _one_by_one(self, group: Group) -> list[EncodingResult]:
        """After a crash, encode each file by itself: only the broken file fails."""
        results: list[EncodingResult] = []
        for request in group:
            try:
                with self._turn_here:
                    results += self._steps.encode_group([request], self._decoder.load)
            except MemoryError:
                reason = "encoding it takes more memory than there is"
                results.append(EncodingFailure(request.path, reason))
        return results


def _start_child(steps: EncodingSteps) -> EncoderProcess:
    return EncoderProcess(
        steps.model.folder,
        fingerprint=steps.model.fingerprint,
        embedding_size=steps.config.embedding_size,
        tags=steps.model.tags,
        precision=steps.runtime.precision,
        runtime=steps.runtime.name,
    )
