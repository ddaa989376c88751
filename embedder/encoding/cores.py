"""Encoding many tracks on a CPU: each worker takes groups of tracks through all steps on one core.

    thread 1 ──▶ this process (one thread at a time), which leaves odd files to a decoder
    thread 2 ──▶ child 1, as soon as it is ready
    thread 3 ──▶ child 2 …

A child takes seconds to start, so children are started only if there is more work than that.
Until they are ready, threads take turns in this process.
"""

import threading
from collections.abc import Iterable, Iterator
from typing import Self

import torch

from embedder.audio.excerpts import Excerpts
from embedder.audio.odd import OddAudio
from embedder.encoding.processes.decoder import DecoderProcess
from embedder.encoding.processes.encoder import EncoderProcess
from embedder.encoding.requests import EncodingFailure, EncodingResult, TrackRequest
from embedder.encoding.steps import EncodingSteps
from embedder.encoding.threads import in_groups, map_in_threads

GROUP_EXCERPTS = 4
"""A worker takes about this many excerpts at a time: more would leave other workers idle."""
START_AFTER_GROUPS = 12
"""With groups of four excerpts, about two seconds of work: there may be much more."""

Group = list[TrackRequest]


def encode_on_cores(
    steps: EncodingSteps, requests: Iterable[TrackRequest], *, n_workers: int, ordered: bool
) -> Iterator[EncodingResult]:
    """Each track's encoding or failure; a worker uses one core."""
    n_threads_before = torch.get_num_threads()
    groups = in_groups(requests, steps.tracks_of(GROUP_EXCERPTS))
    with Cores(steps, n_workers) as cores:
        try:
            for results in map_in_threads(
                cores.encode_group,
                groups,
                workers=n_workers,
                ordered=ordered,
                ahead=8 * n_workers,
                start_thread=lambda: torch.set_num_threads(1),
            ):
                yield from results
        finally:
            torch.set_num_threads(n_threads_before)


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
                return self._steps.encode_group(group, self._load)
        except MemoryError:
            return self._one_by_one(group)

    def _free_child(self) -> EncoderProcess | None:
        with self._children_lock:
            self._n_groups += 1
            if self._n_groups > START_AFTER_GROUPS and not self._children:
                self._children = [_start_child(self._steps) for _ in range(self._n_children)]
            for child in self._children:
                if child.is_ready and id(child) not in self._busy:
                    self._busy.add(id(child))
                    return child
        return None

    def _load(self, request: TrackRequest) -> Excerpts:
        """An odd file is decoded in a child process: a crash or hang is that file's failure."""
        try:
            return self._steps.load_excerpts(request, odd_too=False)
        except OddAudio:
            return self._decoder.load(request)

    def _one_by_one(self, group: Group) -> list[EncodingResult]:
        """After a crash, decode each file in a child process: only the broken file fails."""
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
        precision=steps.precision,
    )
