"""Shared by fault tests: command lines as child processes, and a tiny disk."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """The exit code and output of a process; the code is -9 if it was killed."""

    code: int
    out: str
    err: str
    n_calls: int = 0


@dataclass(frozen=True, slots=True)
class Running:
    """A process that runs a command line."""

    pid: int
    workshop: "Workshop"
    out: Path

    def kill(self) -> None:
        """End it with SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        """Wait for its end."""
        code = self.workshop.ask({"wait": self.pid})
        calls = Path(f"{self.out}.calls")
        return Ended(
            code,
            self.out.read_text(encoding="utf-8", errors="replace"),
            self.out.with_suffix(".err").read_text(encoding="utf-8", errors="replace"),
            int(calls.read_text()) if calls.exists() else 0,
        )


class Workshop:
    """Starts command lines: `run("--library", folder, "index", music)`."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path, *, setup: str) -> None:
        self._process = process
        self._folder = folder
        self._setup = setup
        self._numbers = count()

    def start(
        self,
        *words: object,
        die_at: int | None = None,
        after: str | None = None,
        file_limit: int | None = None,
        environment: dict[str, str] | None = None,
    ) -> Running:
        """Start a command line. With `after`, its calls are counted from that function on."""
        out = self._folder / f"{next(self._numbers)}.out"
        request = {
            "argv": [str(word) for word in words],
            "setup": self._setup,
            "out": str(out),
            "err": str(out.with_suffix(".err")),
            "file_limit": file_limit,
            "environment": environment or {},
        }
        if after is not None:
            request["after"] = after
        if die_at is not None:
            request["die_at"] = die_at
        return Running(self.ask(request), self, out)

    def run(
        self,
        *words: object,
        die_at: int | None = None,
        after: str | None = None,
        file_limit: int | None = None,
        environment: dict[str, str] | None = None,
    ) -> Ended:
        """Start a command line and wait for its end."""
        running = self.start(
            *words, die_at=die_at, after=after, file_limit=file_limit, environment=environment
        )
        return running.wait()

    def ask(self, request: dict[str, object]) -> int:
        """Send a request and read the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def open_workshop(folder: Path, *, setup: str, preload: tuple[str, ...]) -> Iterator[Workshop]:
    """Start a workshop; the outputs of its command lines go to files in `folder`."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",  # threads do not survive a fork
        "OPENBLAS_NUM_THREADS": "1",
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    line = [sys.executable, "-W", "ignore", "-m", "tests.faults.workshop", *preload]
    with subprocess.Popen(
        line,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        yield Workshop(process, folder, setup=setup)
        process.stdin.close()


@contextmanager
def small_disk(folder: Path, *, size: str) -> Iterator[Path]:
    """A file system of the given size in memory; skips the test if it cannot be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("this user cannot mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
