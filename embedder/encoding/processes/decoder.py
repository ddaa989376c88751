"""Decoding in a child process, for one of several threads; this is the parent's side.

Decoding makes thousands of short calls, and each releases the interpreter lock and takes it again:
two decoding threads are slower than one. A child process for each thread shares no lock. If a
decoder crashes, hangs or runs out of memory, it gets the file once more in a new process, because
the cause may have been another one. The second time the file is a failure.
"""

import json
import logging
import math
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import numpy as np

from embedder import errors
from embedder.audio.excerpts import Excerpts
from embedder.config.loading import to_dict
from embedder.config.model import ModelConfig
from embedder.encoding.requests import TrackRequest
from embedder.errors import UnreadableAudio
from embedder.processes.child import end_child, pipes_of, start_child
from embedder.processes.limits import Watchdog, patience_seconds

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
"""For a file of no size; see `patience_seconds`. A whole hour of MP3 takes 10 s."""
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - files in memory, if the system has them


class _Ended(Exception):
    """The child ended instead of answering."""


class DecoderProcess:
    """A child that decodes one track at a time. It is started at the first request."""

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

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child and remove the shared file."""
        self._end_child()
        self._shared_path.unlink(missing_ok=True)

    def start(self) -> None:
        """Start the child now, so that the first request does not wait for it."""
        self._running_child()

    def load(self, request: TrackRequest) -> Excerpts:
        """Return or raise what `load_excerpts` does for this request."""
        try:
            return self._ask(request)
        except _Ended as end:
            logger.debug("%s: %s, trying again", request.path, end)
        try:
            return self._ask(request)
        except _Ended as end:
            raise UnreadableAudio(request.path, str(end)) from end

    def _ask(self, request: TrackRequest) -> Excerpts:
        child = self._running_child()
        seconds = patience_seconds(request.path, base_seconds=PATIENCE_SECONDS)
        message = {
            **self._settings,
            "path": str(request.path),
            "start_seconds": request.start_seconds,
            "seconds": request.seconds,
        }
        try:
            stdin, stdout = pipes_of(child)
            with Watchdog(child, seconds) as watchdog:
                stdin.write(json.dumps(message).encode("ascii") + b"\n")
                stdin.flush()
                head: dict[str, Any] = json.loads(stdout.readline())
            if "error" in head:
                raise getattr(errors, head["error"])(request.path, head["reason"])
            samples = np.fromfile(self._shared_path, np.float32, math.prod(head["shape"]))
            samples = samples.reshape(head["shape"])
        except (OSError, ValueError) as error:  # no answer, or a part of one: the child has ended
            self._end_child()
            logger.debug("%s: the decoder ended with code %s", request.path, child.returncode)
            if watchdog.has_expired:
                raise _Ended(f"decoding it took more than {seconds:.0f} s") from error
            raise _Ended("the decoder crashed on it") from error
        return Excerpts(
            samples, head["sample_rate"], tuple(head["starts_seconds"]), head["duration_seconds"]
        )

    def _end_child(self) -> None:
        if self._child is not None:
            end_child(self._child)
            self._child = None

    def _running_child(self) -> "subprocess.Popen[bytes]":
        if self._child is None:
            debug = ["--debug"] if logger.isEnabledFor(logging.DEBUG) else []
            self._child = start_child(
                "embedder.encoding.processes.decoder_child",
                str(self._shared_path),
                *debug,
                environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        return self._child
