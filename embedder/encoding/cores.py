"""A group of tracks goes to whichever core is free: this process, or one of its children.

    thread 1 ──▶ this process (one thread at a time)
    thread 2 ──▶ child 1, once it is ready
    thread 3 ──▶ child 2 …

Children take seconds to start, so they are started only when there is work for longer than that;
until they are ready, threads take turns in this process.
"""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from embedder.encoding.processes.decoder import DecoderProcess
from embedder.encoding.processes.encoder import EncoderProcess
from embedder.encoding.requests import EncodingResult, TrackRequest

logger = logging.getLogger(__name__)

START_AFTER_GROUPS = 12
"""With groups of four, about two seconds of work have shown that there may be more."""

Group = list[TrackRequest]


class Cores:
    """`encode_group` may be called from as many threads as there are workers."""

    def __init__(
        self,
        n_workers: int,
        *,
        encode_here: Callable[[Group], list[EncodingResult]],
        encode_decoded: Callable[[Group, DecoderProcess], list[EncodingResult]],
        start_child: Callable[[], EncoderProcess],
        make_decoder: Callable[[], DecoderProcess],
    ) -> None:
        self._n_children = n_workers - 1
        self._encode_here = encode_here
        self._encode_decoded = encode_decoded
        self._start_child = start_child
        self._make_decoder = make_decoder
        self._here = threading.Lock()
        self._changing = threading.Lock()
        self._children: list[EncoderProcess] = []
        self._busy: set[int] = set()
        self._n_groups = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in self._children:
            child.close()

    def encode_group(self, group: Group) -> list[EncodingResult]:
        """What became of each track, wherever it was encoded."""
        child = self._free_child()
        if child is None:
            with self._here:
                return self._encode_here(group)
        try:
            results = child.encode_group(group)
        finally:
            with self._changing:
                self._busy.discard(id(child))
        return results if results is not None else self._one_by_one(group)

    def _free_child(self) -> EncoderProcess | None:
        with self._changing:
            self._n_groups += 1
            if self._n_groups > START_AFTER_GROUPS and not self._children:
                self._children = [self._start_child() for _ in range(self._n_children)]
            for child in self._children:
                if child.is_ready and id(child) not in self._busy:
                    self._busy.add(id(child))
                    return child
        return None

    def _one_by_one(self, group: Group) -> list[EncodingResult]:
        """After a crash: each file is decoded in a process of its own, so that one fails alone."""
        with self._make_decoder() as decoder, self._here:
            return [self._encode_decoded([request], decoder)[0] for request in group]
