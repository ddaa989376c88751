"""Limits on a child's memory, which the child sets itself, and on its time.

Where the system has no such bounds (Windows), the child runs without them.
"""

import contextlib
import importlib
import math
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_STATM = Path("/proc/self/statm")
_M_ARENA_MAX = -8  # malloc.h
_OOM_SCORE = Path("/proc/self/oom_score_adj")


def limit_memory(n_bytes: int) -> None:
    """Limit this process to so many more bytes than it has now; beyond that, allocating fails."""
    try:
        resource: Any = importlib.import_module("resource")
        n_pages = int(_STATM.read_text().split()[0])
    except (ImportError, OSError):
        return
    limit = n_pages * resource.getpagesize() + n_bytes
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def limit_cpu_time(seconds: float) -> None:
    """Let this process compute for so many more seconds; then the system ends it.

    The parent's watchdog comes first. This limit is for a child that its parent has left alone.
    """
    try:
        resource: Any = importlib.import_module("resource")
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = math.ceil(usage.ru_utime + usage.ru_stime + seconds)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def use_one_heap() -> None:
    """Let the threads of this process share a heap, where the C library is glibc.

    It would give each thread its own, which keeps what was freed: 60 MB more while tracks are
    encoded, and no quicker.
    """
    if sys.platform != "linux":
        return
    import ctypes  # not at the top: most processes need it not

    with contextlib.suppress(AttributeError):  # another C library has no such function
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def die_before_parent() -> None:
    """If the machine runs out of memory, Linux ends this process before its parent."""
    with contextlib.suppress(OSError):
        _OOM_SCORE.write_text("500")


class Watchdog:
    """Kills a child if its block takes longer than the given seconds."""

    def __init__(self, child: "subprocess.Popen[bytes]", seconds: float) -> None:
        self.has_expired = False
        self._child = child
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()

    def _expire(self) -> None:
        self.has_expired = True
        self._child.kill()


def patience_seconds(path: Path, *, base_seconds: float) -> float:
    """How long reading a file may take: a slow disk or network gives a megabyte a second."""
    try:
        return base_seconds + path.stat().st_size / 1e6
    except OSError:
        return base_seconds
