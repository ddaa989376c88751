"""A connection to a Ray cluster, or a small one on this machine."""

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from embedder.errors import MissingExtra, UsageError

LOCAL = "local"
_PATIENCE_SECONDS = 5.0
_STORE_BYTES = 256 * 2**20
"""What Ray reserves for objects: ours are lists of paths."""


@contextmanager
def ray_running(cluster: str, workers: int | None) -> Iterator[int]:
    """A connection to a cluster, and how many processes work for us."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it sends nothing anywhere
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # our messages say what went wrong
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # each death, on standard output
    if cluster == LOCAL:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # listen on 127.0.0.1 alone
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise MissingExtra("--cluster", "cluster") from error

    start = partial(ray.init, log_to_driver=False, logging_level=logging.ERROR)
    if cluster != LOCAL:
        _check_reachable(cluster)
    try:
        with _silent():
            if cluster == LOCAL:
                n_cores = workers or os.cpu_count() or 1
                start(num_cpus=n_cores, include_dashboard=False, object_store_memory=_STORE_BYTES)
            else:
                start(address=cluster)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UsageError(f"--cluster {cluster}: {first_line(error)}") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        yield workers or int(ray.cluster_resources().get("CPU", 1))  # type: ignore[no-untyped-call]
    finally:
        ray.shutdown()


def _check_reachable(cluster: str) -> None:
    """Ray itself would wait for minutes."""
    host, _, port = cluster.rpartition("//")[2].rpartition(":")
    if not port.isdecimal():
        return  # a name such as auto
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UsageError(f"--cluster {cluster}: nothing answers there ({error})") from error


@contextmanager
def _silent() -> Iterator[None]:
    """Without the lines that Ray's own code writes past Python; its errors are exceptions."""
    if sys.stderr is not None:
        sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def first_line(error: Exception) -> str:
    """The first line of an error's text."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def reason_of(error: Exception) -> str:
    """What an error of a process says: a trace ends with it; otherwise the first line."""
    name, _, reason = str(error).strip().rpartition("\n")[2].partition(": ")
    return reason if reason and name.endswith("Error") else first_line(error)
