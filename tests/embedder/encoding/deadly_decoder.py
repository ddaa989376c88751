"""A decoder child that dies, hangs or takes all memory for certain file names."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from embedder.audio import decoder_child, excerpts
from embedder.audio.excerpts import Excerpts, load_excerpts
from embedder.processes.limits import limit_memory


def load(path: Path, *arguments: Any, **settings: Any) -> Excerpts:
    """Crash, hang or allocate for a hostile file; read any other file."""
    match path.stem.partition("-")[0]:
        case "segv":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            time.sleep(600)
        case "hungry":
            np.ones(2**40)
    return load_excerpts(path, *arguments, **settings)


if __name__ == "__main__":
    limit_memory(decoder_child.MEMORY_BYTES)
    excerpts.load_excerpts = load  # type: ignore[assignment]  # the same call
    with (
        open(0, "rb") as incoming,
        open(1, "wb") as outgoing,
        Path(sys.argv[1]).open("r+b") as file,
    ):
        decoder_child.serve(incoming, outgoing, file)
