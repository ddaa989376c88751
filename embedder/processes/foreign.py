"""Run other people's compiled code in a child process, where a crash becomes an error message.

A wheel that was compiled for newer processors ends its process with an illegal instruction, which
no `except` catches. Here only the child ends, and `ForeignCrash` says why.

A message in either direction is a line of JSON. Its `arrays` lists type and shape of the arrays
whose raw bytes follow. The child's side is `serve`.
"""

import json
import math
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from embedder.processes.child import end_child, pipes_of, start_child


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer."""

    head: dict[str, Any]
    arrays: tuple[NDArray[Any], ...] = ()


class ForeignCrash(Exception):
    """The child ended during a request."""

    def __init__(self, exit_code: int) -> None:
        self.signal_name = _signal_name(exit_code)
        super().__init__(self.signal_name or f"exit code {exit_code}")

    @property
    def is_illegal_instruction(self) -> bool:
        """Whether the code was compiled for another kind of processor."""
        return self.signal_name == "SIGILL"


class ForeignProcess:
    """A child that answers one request at a time. It is started at the first request.

    After a crash, the next request starts a new child. Threads may share it: they take turns.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = (module, *arguments)
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            end_child(self._child)
            self._child = None

    def ask(self, request: Message) -> Message:
        """The child's answer; raises ForeignCrash if the child ends instead."""
        with self._turn:
            if self._child is None:
                self._child = start_child(*self._command)
            to_child, from_child = pipes_of(self._child)
            try:
                _write(to_child, request)
                return _read(from_child)
            except (OSError, EOFError, ValueError) as error:  # no answer, or a part of one
                child, self._child = self._child, None
                end_child(child)
                raise ForeignCrash(child.returncode) from error


def serve(answer: Callable[[Message], Message]) -> None:
    """The child's side: answer requests until there are no more. The parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the foreign code prints must not get into the answers.
    with os.fdopen(os.dup(1), "wb") as answers, open(0, "rb") as requests:
        os.dup2(2, 1)
        while True:
            try:
                request = _read(requests)
            except EOFError:
                return
            _write(answers, answer(request))


def _write(stream: IO[bytes], message: Message) -> None:
    layout = [[array.dtype.str, list(array.shape)] for array in message.arrays]
    stream.write(json.dumps({**message.head, "arrays": layout}).encode("ascii") + b"\n")
    for array in message.arrays:
        stream.write(array.tobytes())
    stream.flush()


def _read(stream: IO[bytes]) -> Message:
    line = stream.readline()
    if not line:
        raise EOFError
    head = json.loads(line)
    return Message(head, tuple(_array(stream, *layout) for layout in head.pop("arrays")))


def _array(stream: IO[bytes], type_name: str, shape: list[int]) -> NDArray[Any]:
    dtype = np.dtype(type_name)
    data = stream.read(math.prod(shape) * dtype.itemsize)
    return np.frombuffer(data, dtype).reshape(shape)


def _signal_name(exit_code: int) -> str:
    if exit_code >= 0:
        return ""
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
