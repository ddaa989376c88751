"""Start a Python process that reads requests on standard input and answers on standard output.

The child imports the same copy of soundalike as this process, and ends when its input is closed.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import embedder


def start_child(
    module: str, *arguments: str, environment: dict[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """`python -m module arguments`, with pipes to its input and from its output."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(environment),
    )


def child_environment(more: dict[str, str] | None = None) -> dict[str, str]:
    """The environment in which a child imports this copy of soundalike, with more variables."""
    root = str(Path(embedder.__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(more or {})}


def pipes_of(child: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    """The pipes to its input and from its output."""
    if child.stdin is None or child.stdout is None:
        raise AssertionError("the child was started with pipes")
    return child.stdin, child.stdout


def end_child(child: "subprocess.Popen[bytes]") -> None:
    """Close the pipes, which ends the child, and wait until it has ended."""
    stdin, stdout = pipes_of(child)
    with contextlib.suppress(BrokenPipeError):  # it ended before it read a request
        stdin.close()
    stdout.close()
    child.wait()
