"""A process that decodes, and nothing else: the far end of `decoder_process`.

Requests come as lines of JSON on standard input; each answer is a line of JSON on standard output,
and the samples lie as raw float32 in the file that both share. It ends with its input, and leaves
Ctrl-C to its parent. It never imports torch, so it is there in a moment.
"""

import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from embedder.audio.excerpts import load_excerpts
from embedder.config.loading import from_dict
from embedder.config.model import ExcerptConfig
from embedder.errors import AudioError


def serve(requests: BinaryIO, answers: BinaryIO, shared: BinaryIO) -> None:
    """Answer requests until there are no more."""
    for line in requests:
        head = answer(json.loads(line), shared)
        answers.write(json.dumps(head).encode("ascii") + b"\n")
        answers.flush()


def answer(request: dict[str, Any], shared: BinaryIO) -> dict[str, Any]:
    """What is in the shared file now, or which error and why."""
    path = Path(request["path"])
    try:
        excerpts = load_excerpts(
            path,
            from_dict(ExcerptConfig, request["excerpts"]),
            sample_rate=request["sample_rate"],
            start_seconds=request["start_seconds"],
            seconds=request["seconds"],
        )
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
    if "--debug" in sys.argv:
        logging.basicConfig(level=logging.DEBUG, format="%(message)s")
    with (
        open(0, "rb") as incoming,
        open(1, "wb") as outgoing,
        Path(sys.argv[1]).open("r+b") as file,
    ):
        serve(incoming, outgoing, file)
