"""Decoding in a child process, for one of several threads; this is the parent's side.

A file that crashes FFmpeg, never ends or takes all memory ends the child and not this process. It
gets the file once more in a new process, because the cause may have been another one. The second
time the file is a failure; so is a file that takes too long, at once.

Besides, decoding makes thousands of short calls, and each releases the interpreter lock and takes
it again: two decoding threads are slower than one. A child for each thread shares no lock.
"""

import atexit
import json
import logging
import math
import os
import subprocess
import tempfile
import threading
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
START_SECONDS = 120.0
"""For the start of a child. It takes a quarter of a second, and longer on a busy machine."""
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - files in memory, if the system has them


class _Ended(Exception):
    """The child ended instead of answering."""


class _TookTooLong(Exception):
    """The child was killed because it did not answer in time."""


class DecoderProcess:
    """A child that decodes one track at a time. It is started at the first request."""

    def __init__(self, config: ModelConfig) -> None:
        self._settings = {
            "excerpts": to_dict(config.excerpts),
            "sample_rate": config.front_end.sample_rate,
        }
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def start(self) -> None:
        """Start the child now, so that the first request does not wait for it."""
        self._running_child()

    def load(self, request: TrackRequest) -> Excerpts:
        """Return or raise what `load_excerpts` does for this request."""
        try:
            try:
                return self._ask(request)
            except _Ended:
                logger.debug("%s: the decoder ended, trying again", request.path)
                return self._ask(request)
        except _Ended as end:
            raise UnreadableAudio(request.path, "the decoder crashed on it") from end
        except _TookTooLong as end:
            raise UnreadableAudio(request.path, str(end)) from end

    def _ask(self, request: TrackRequest) -> Excerpts:
        child = self._running_child()
        seconds = patience_seconds(request.path, base_seconds=PATIENCE_SECONDS)
        message = {
            **self._settings,
            "path": str(request.path),
            "start_seconds": request.start_seconds,
            "seconds": request.seconds,
            "patience_seconds": seconds,
        }
        watchdog = Watchdog(child.process, seconds)
        try:
            stdin, stdout = pipes_of(child.process)
            child.wait_until_ready()
            with watchdog:
                stdin.write(json.dumps(message).encode("ascii") + b"\n")
                stdin.flush()
                head: dict[str, Any] = json.loads(stdout.readline())
            if "error" in head:
                raise getattr(errors, head["error"])(request.path, head["reason"])
            samples = np.fromfile(child.shared_path, np.float32, math.prod(head["shape"]))
            samples = samples.reshape(head["shape"])
        except (OSError, ValueError) as error:  # no answer, or a part of one: the child has ended
            self.close()
            code = child.process.returncode
            logger.debug("%s: the decoder ended with code %s", request.path, code)
            if watchdog.has_expired:
                raise _TookTooLong(f"decoding it took more than {seconds:.0f} s") from error
            raise _Ended from error
        return Excerpts(
            samples, head["sample_rate"], tuple(head["starts_seconds"]), head["duration_seconds"]
        )

    def _running_child(self) -> "_Child":
        if self._child is None:
            self._child = _early_child() or _Child()
        return self._child


class _Child:
    """A process that decodes, and the file in which it leaves samples."""

    def __init__(self) -> None:
        folder = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None
        handle, name = tempfile.mkstemp(prefix="soundalike-", suffix=".samples", dir=folder)
        os.close(handle)
        self.shared_path = Path(name)
        self._is_ready = False
        debug = ["--debug"] if logger.isEnabledFor(logging.DEBUG) else []
        self.process: subprocess.Popen[bytes] = start_child(
            "embedder.encoding.processes.decoder_child",
            name,
            *debug,
            environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def wait_until_ready(self) -> None:
        """Wait until it takes requests; raises ValueError if it ends instead."""
        if not self._is_ready:
            with Watchdog(self.process, START_SECONDS):
                json.loads(pipes_of(self.process)[1].readline())
            self._is_ready = True

    def close(self) -> None:
        """End the process and remove the shared file."""
        end_child(self.process)
        self.shared_path.unlink(missing_ok=True)


_early: list[_Child] = []
_early_lock = threading.Lock()


def start_early() -> None:
    """Start a child for the next `DecoderProcess`: it is ready when torch has been imported."""
    with _early_lock:
        if not _early:
            _early.append(_Child())


@atexit.register
def end_early_child() -> None:
    """End the child of `start_early` if nothing took it."""
    child = _early_child()
    if child is not None:
        child.close()


def _early_child() -> _Child | None:
    with _early_lock:
        return _early.pop() if _early else None
