"""Decoding in a process of its own, for a thread that has others beside it.

Decoding is thousands of short calls, each of which lets go of the interpreter's lock and takes it
again: two threads that decode are slower than one. A process for each thread has no such lock to
share, and a decoder that crashes on a broken file takes nobody with it: the file is a failure and
the next one gets a new process.
"""

import json
import logging
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

import embedder
from embedder import errors
from embedder.config.loading import to_dict
from embedder.config.model import ModelConfig
from embedder.encodings import TrackRequest
from embedder.errors import UnreadableAudio
from embedder.excerpts import Excerpts

logger = logging.getLogger(__name__)

MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - a file in memory, where there is such a place


class DecoderProcess:
    """A child that is asked for one track at a time; started when it is first needed."""

    def __init__(self, config: ModelConfig) -> None:
        self._settings = {
            "excerpts": to_dict(config.excerpts),
            "sample_rate": config.front_end.sample_rate,
        }
        self._child: subprocess.Popen[bytes] | None = None
        folder = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None
        handle, name = tempfile.mkstemp(prefix="soundalike-", suffix=".samples", dir=folder)
        os.close(handle)
        self._shared_path = Path(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child and remove what was shared with it."""
        self._end_child()
        self._shared_path.unlink(missing_ok=True)

    def load(self, request: TrackRequest) -> Excerpts:
        """What `load_excerpts` gives or raises for this request."""
        child = self._running_child()
        question = {
            **self._settings,
            "path": str(request.path),
            "start_seconds": request.start_seconds,
            "seconds": request.seconds,
        }
        try:
            stdin, stdout = _pipes(child)
            stdin.write(json.dumps(question).encode("ascii") + b"\n")
            stdin.flush()
            head: dict[str, Any] = json.loads(stdout.readline())
            if "error" in head:
                raise getattr(errors, head["error"])(request.path, head["reason"])
            samples = np.fromfile(self._shared_path, np.float32, math.prod(head["shape"]))
            samples = samples.reshape(head["shape"])
        except (OSError, ValueError) as error:  # no answer, or half of one: it is gone
            self._end_child()
            logger.debug("%s: the decoder ended with code %s", request.path, child.returncode)
            raise UnreadableAudio(request.path, "the decoder crashed on it") from error
        return Excerpts(
            samples, head["sample_rate"], tuple(head["starts_seconds"]), head["duration_seconds"]
        )

    def _end_child(self) -> None:
        if self._child is None:
            return
        stdin, stdout = _pipes(self._child)
        try:
            stdin.close()
        except BrokenPipeError:  # a request was under way when it died
            logger.debug("the decoder had gone")
        stdout.close()
        self._child.wait()
        self._child = None

    def _running_child(self) -> "subprocess.Popen[bytes]":
        if self._child is None:
            root = str(Path(embedder.__file__).parents[1])
            paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
            wants_debug = logger.isEnabledFor(logging.DEBUG)
            shared = str(self._shared_path)
            self._child = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "embedder.decoding_worker",
                    shared,
                    *["--debug"] * wants_debug,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
        return self._child


def _pipes(child: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    if child.stdin is None or child.stdout is None:
        raise AssertionError("the child was started with pipes")
    return child.stdin, child.stdout
