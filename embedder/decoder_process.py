"""Decoding in a process of its own, for a thread that has others beside it.

Decoding is thousands of short calls, each of which lets go of the interpreter's lock and takes it
again: two threads that decode are slower than one. A process for each thread has no such lock to
share, and a decoder that crashes on a broken file takes nobody with it: the file is a failure and
the next one gets a new process.
"""

import contextlib
import json
import logging
import os
import subprocess
import sys
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

PIPE_BYTES = 1 << 20


class DecoderProcess:
    """A child that is asked for one track at a time; started when it is first needed."""

    def __init__(self, config: ModelConfig) -> None:
        self._settings = {
            "excerpts": to_dict(config.excerpts),
            "sample_rate": config.front_end.sample_rate,
        }
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

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
            shape = tuple(head["shape"])
            samples = np.empty(shape, dtype=np.float32)
            _read_whole(stdout, samples)
        except (OSError, ValueError) as error:  # no answer, or half of one: it is gone
            self.close()
            logger.debug("%s: the decoder ended with code %s", request.path, child.returncode)
            raise UnreadableAudio(request.path, "the decoder crashed on it") from error
        return Excerpts(
            samples, head["sample_rate"], tuple(head["starts_seconds"]), head["duration_seconds"]
        )

    def close(self) -> None:
        """End the child."""
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
            self._child = subprocess.Popen(
                [sys.executable, "-m", "embedder.decoding_worker", *["--debug"] * wants_debug],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
            _widen(_pipes(self._child)[1])
        return self._child


def _pipes(child: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    if child.stdin is None or child.stdout is None:
        raise AssertionError("the child was started with pipes")
    return child.stdin, child.stdout


def _widen(pipe: IO[bytes]) -> None:
    """Make room for a fifth of an excerpt at once; by default a pipe holds 64 kB."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # a limit of the system
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _read_whole(stream: IO[bytes], samples: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    """Fill the samples from the stream, without a copy in between."""
    room = samples.data.cast("B")
    while room:
        n_read = stream.readinto(room)  # type: ignore[attr-defined]  # buffered readers have it
        if not n_read:
            raise OSError("the stream ended early")
        room = room[n_read:]
