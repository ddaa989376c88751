"""Decoding in child processes; this is the parent's side.

    decoders.run(path, load_excerpts, path, config)    # as load_excerpts(path, config), elsewhere

A file that crashes FFmpeg, never ends or takes all memory ends the child and not this process. It
gets the file once more in a new process, because the cause may have been another one. The second
time the file is a failure; so is a file that takes too long, at once.

Besides, decoding makes thousands of short calls, and each releases the interpreter lock and takes
it again: two decoding threads are slower than one. A child for each thread shares no lock.
"""

import atexit
import logging
import os
import pickle
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

import numpy as np

from embedder.errors import DeadlyAudio
from embedder.processes.child import end_child, pipes_of, start_child
from embedder.processes.limits import Watchdog, patience_seconds

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
"""For a file of no size; see `patience_seconds`. A whole hour of MP3 takes 10 s."""
START_SECONDS = 120.0
"""For the start of a child. It takes a quarter of a second, and longer on a busy machine."""
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - files in memory, if the system has them

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class _Ended(Exception):
    """The child ended instead of answering."""


class _TookTooLong(Exception):
    """The child was killed because it did not answer in time."""


class Decoder:
    """A child that reads one file at a time. It is started at the first request."""

    def __init__(self) -> None:
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

    def run(
        self,
        path: Path,
        function: Callable[Arguments, Answer],
        *arguments: Arguments.args,
        **settings: Arguments.kwargs,
    ) -> Answer:
        """Return or raise what `function(*arguments, **settings)`, which reads `path`, does.

        Function, arguments and answer are pickled. Raises DeadlyAudio if the file kills the child.
        """
        request = pickle.dumps((function, arguments, settings), protocol=5)
        try:
            try:
                return self._ask(path, request)  # type: ignore[no-any-return]  # unpickled
            except _Ended:
                logger.debug("%s: the decoder ended, trying again", path)
                return self._ask(path, request)  # type: ignore[no-any-return]  # unpickled
        except _Ended as end:
            raise DeadlyAudio(path, "the decoder crashed on it") from end
        except _TookTooLong as end:
            raise DeadlyAudio(path, str(end)) from end

    def _ask(self, path: Path, request: bytes) -> Any:
        child = self._running_child()
        seconds = patience_seconds(path, base_seconds=PATIENCE_SECONDS)
        watchdog = Watchdog(child.process, seconds)
        try:
            stdin, stdout = pipes_of(child.process)
            child.wait_until_ready()
            with watchdog:
                pickle.dump((os.fspath(path), _working_folder(), seconds, request), stdin)
                stdin.flush()
                has_failed, answer, sizes = _unpickled(stdout)
            buffers = child.buffers(sizes)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            self.close()  # no answer, or a part of one: the child has ended
            code = child.process.returncode
            logger.debug("%s: the decoder ended with code %s", path, code)
            if watchdog.has_expired:
                raise _TookTooLong(f"decoding it took more than {seconds:.0f} s") from error
            raise _Ended from error
        value = pickle.loads(answer, buffers=buffers)  # noqa: S301 - made by our own child
        if has_failed:
            raise value
        return value

    def _running_child(self) -> "_Child":
        if self._child is None:
            self._child = _early_child() or _Child()
        return self._child


class Decoders:
    """As many decoders as threads call `run` at once; each is started when there is work for it.

    They end with `close`, or when nothing refers to this object any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Decoder] = []
        self._is_closed = False
        weakref.finalize(self, _close_all, self._idle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all children; one that is at work ends after it."""
        with self._lock:
            self._is_closed = True
            _close_all(self._idle)

    def run(
        self,
        path: Path,
        function: Callable[Arguments, Answer],
        *arguments: Arguments.args,
        **settings: Arguments.kwargs,
    ) -> Answer:
        """As `Decoder.run`, in a child that is idle."""
        with self._lock:
            decoder = self._idle.pop() if self._idle else Decoder()
        try:
            return decoder.run(path, function, *arguments, **settings)
        finally:
            with self._lock:
                self._idle.append(decoder)
                if self._is_closed:
                    _close_all(self._idle)


def _close_all(decoders: list[Decoder]) -> None:
    while decoders:
        decoders.pop().close()


_shared = Decoders()


def shared_decoders() -> Decoders:
    """The decoders for calls that read one file; their children end with this process."""
    return _shared


class _Child:
    """A process that decodes, and the file in which it leaves arrays."""

    def __init__(self) -> None:
        folder = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None
        handle, name = tempfile.mkstemp(prefix="soundalike-", suffix=".samples", dir=folder)
        os.close(handle)
        self._shared_path = Path(name)
        self._is_ready = False
        debug = ["--debug"] if logger.isEnabledFor(logging.DEBUG) else []
        self.process: subprocess.Popen[bytes] = start_child(
            "embedder.audio.decoder_child",
            name,
            *debug,
            environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def wait_until_ready(self) -> None:
        """Wait until it takes requests; raises EOFError if it ends instead."""
        if not self._is_ready:
            with Watchdog(self.process, START_SECONDS):
                _unpickled(pipes_of(self.process)[1])
            self._is_ready = True

    def buffers(self, sizes: list[int]) -> list[bytes]:
        """The arrays of the last answer, by their sizes in bytes."""
        if not sizes:
            return []
        with self._shared_path.open("rb") as file:
            return [np.fromfile(file, np.uint8, size).data for size in sizes]  # type: ignore[misc]  # a memoryview

    def close(self) -> None:
        """End the process and remove the shared file."""
        end_child(self.process)
        self._shared_path.unlink(missing_ok=True)


def _working_folder() -> str | None:
    """Relative paths start here; None if the folder was removed."""
    try:
        return os.getcwd()  # noqa: PTH109 - called for each excerpt
    except FileNotFoundError:
        return None


def _unpickled(stream: Any) -> Any:
    return pickle.load(stream)  # noqa: S301 - from our own child


_early: list[_Child] = []
_early_lock = threading.Lock()


def start_early() -> None:
    """Start a child for the next `Decoder`: it is ready when torch has been imported."""
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
