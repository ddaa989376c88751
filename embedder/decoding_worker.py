"""A process that decodes, and nothing else: the far end of `decoder_process`.

Requests come as lines of JSON on standard input; each answer is a line of JSON on standard output,
followed by the samples as raw float32. It ends with its input, and leaves Ctrl-C to its parent.
It never imports torch, so it is there in a moment.
"""

import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from embedder.config.loading import from_dict
from embedder.config.model import ExcerptConfig
from embedder.errors import AudioError
from embedder.excerpts import load_excerpts


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more."""
    for line in requests:
        head, samples = answer(json.loads(line))
        answers.write(json.dumps(head).encode("ascii") + b"\n")
        answers.write(samples)
        answers.flush()


def answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The excerpts of a track, or which error and why."""
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
        return {"error": type(error).__name__, "reason": error.reason}, b""
    head = {
        "shape": list(excerpts.samples.shape),
        "sample_rate": excerpts.sample_rate,
        "starts_seconds": list(excerpts.starts_seconds),
        "duration_seconds": excerpts.duration_seconds,
    }
    return head, excerpts.samples.tobytes()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if "--debug" in sys.argv:
        logging.basicConfig(level=logging.DEBUG, format="%(message)s")
    with open(0, "rb") as incoming, open(1, "wb") as outgoing:
        serve(incoming, outgoing)
