"""The samples of a file as they are decoded, by a child process that decodes ahead.

    child    open ─▶ decode ─▶ blocks of five seconds ─▶ pipe      waits while the pipe is full
    parent                                        pipe ─▶ blocks

A file that crashes FFmpeg, or takes all memory, ends the child and not this process. This module
is the parent's side and, run as a program, the child's.
"""

import os
import pickle
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from embedder.audio.decoding import stream_blocks
from embedder.errors import AudioError, DeadlyAudio, UnreadableAudio
from embedder.processes.child import pipes_of, start_child
from embedder.processes.limits import Watchdog, die_before_parent, limit_memory

Floats = NDArray[np.float32]

BLOCK_SAMPLES = 5 * 44100
"""Each block starts a watchdog, whose thread takes long to start on a busy machine."""
PATIENCE_SECONDS = 120.0
"""For one block, and for the start of the child on a busy machine."""
MEMORY_BYTES = 4 * 2**30
NOTHING_MORE = None


def stream_from_child(path: Path) -> Iterator[Floats]:
    """The blocks of `decoding.stream_blocks`, joined to longer ones; DeadlyAudio if it crashes."""
    child = start_child(
        "embedder.audio.streaming",
        os.path.abspath(path),
        environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    _, stdout = pipes_of(child)
    try:
        while True:
            watchdog = Watchdog(child, PATIENCE_SECONDS)
            try:
                with watchdog:
                    message: Any = pickle.load(stdout)  # noqa: S301 - from our own child
            except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
                why = "the decoder crashed on it"
                if watchdog.has_expired:
                    why = f"decoding a part of it took more than {PATIENCE_SECONDS:.0f} s"
                raise DeadlyAudio(path, why) from error
            if message is NOTHING_MORE:
                return
            if isinstance(message, Exception):
                raise message
            yield np.frombuffer(message, dtype=np.float32)
    finally:
        child.kill()  # it may wait for this process to read, or never end
        for pipe in pipes_of(child):
            with suppress(BrokenPipeError):
                pipe.close()
        child.wait()


def joined(blocks: Iterator[Floats], *, n_samples: int) -> Iterator[Floats]:
    """The same samples in blocks of at least `n_samples`, but for the last one."""
    parts: list[Floats] = []
    n_waiting = 0
    for block in blocks:
        parts.append(block)
        n_waiting += len(block)
        if n_waiting >= n_samples:
            yield np.concatenate(parts)
            parts, n_waiting = [], 0
    if parts:
        yield np.concatenate(parts)


def _serve(path: Path, answers: BinaryIO) -> None:
    """Write the blocks of a file, then an error or that there is nothing more."""
    end: object = NOTHING_MORE
    try:
        for block in joined(stream_blocks(path), n_samples=BLOCK_SAMPLES):
            pickle.dump(block.tobytes(), answers, protocol=5)
            answers.flush()
    except MemoryError:
        end = UnreadableAudio(path, "decoding it takes more memory than there is")
    except (AudioError, OSError) as error:
        end = error
    pickle.dump(end, answers, protocol=5)
    answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_before_parent()
    limit_memory(MEMORY_BYTES)
    with open(1, "wb") as outgoing, suppress(BrokenPipeError):  # a parent that has ended
        _serve(Path(sys.argv[1]), outgoing)
