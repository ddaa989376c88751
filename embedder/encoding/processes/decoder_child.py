"""The child process that decodes and does nothing else, started by `processes.decoder`.

Each request is a line of JSON on standard input, each answer a line of JSON on standard output. The
samples are written as raw float32 to a file that both processes share. It ends when its input ends,
and ignores Ctrl-C: its parent handles that. It never imports torch, so it starts quickly.
"""

import json
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from embedder.audio.excerpts import load_excerpts
from embedder.config.loading import from_dict
from embedder.config.model import ExcerptConfig
from embedder.errors import AudioError, UnreadableAudio
from embedder.processes.limits import die_before_parent, limit_cpu_time, limit_memory

MEMORY_BYTES = 4 * 2**30
"""Beyond what the process takes to start. `audio.decoding` holds at most 1 GiB of samples."""


def serve(requests: BinaryIO, answers: BinaryIO, shared: BinaryIO) -> None:
    """Say that this process is ready, and answer requests until there are no more."""
    answers.write(b"{}\n")
    answers.flush()
    for line in requests:
        head = answer(json.loads(line), shared)
        answers.write(json.dumps(head).encode("ascii") + b"\n")
        answers.flush()


def answer(request: dict[str, Any], shared: BinaryIO) -> dict[str, Any]:
    """Write the samples to `shared` and describe them; or name the error and its reason."""
    path = Path(request["path"])
    limit_cpu_time(request["patience_seconds"])
    try:
        excerpts = load_excerpts(
            path,
            from_dict(ExcerptConfig, request["excerpts"]),
            sample_rate=request["sample_rate"],
            start_seconds=request["start_seconds"],
            seconds=request["seconds"],
        )
    except MemoryError:
        reason = "decoding it takes more memory than there is"
        return {"error": UnreadableAudio.__name__, "reason": reason}
    except AudioError as error:
        return {"error": type(error).__name__, "reason": error.reason}
    shared.seek(0)
    shared.write(np.ascontiguousarray(excerpts.samples).data)
    shared.flush()
    return {
        "shape": list(excerpts.samples.shape),
        "sample_rate": excerpts.sample_rate,
        "starts_seconds": list(excerpts.starts_seconds),
        "duration_seconds": excerpts.duration_seconds,
    }


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_before_parent()
    limit_memory(MEMORY_BYTES)
    if "--debug" in sys.argv:
        logging.basicConfig(level=logging.DEBUG, format="%(message)s")
    with (
        open(0, "rb") as incoming,
        open(1, "wb") as outgoing,
        Path(sys.argv[1]).open("r+b") as file,
    ):
        try:
            with suppress(BrokenPipeError):  # a parent that was killed reads no answer
                serve(incoming, outgoing, file)
        finally:  # the parent may have been killed
            Path(sys.argv[1]).unlink(missing_ok=True)
