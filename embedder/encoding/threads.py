"""Map a function over a stream of items in threads, with bounded memory.

Threads suit work that releases the interpreter lock, as transforms and networks do. At most
`ahead` items are in progress, however long the stream is. Closing the generator early cancels the
rest. This module needs no torch.
"""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    ordered: bool = True,
    ahead: int | None = None,
    start_thread: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """`work(item)` for each item, in input order or as they are ready.

    An exception in `work` is raised to the consumer. Each thread calls `start_thread` first.
    """
    remaining = iter(items)
    limit = ahead if ahead is not None else 2 * workers
    pool = ThreadPoolExecutor(
        workers, thread_name_prefix="soundalike-worker", initializer=start_thread
    )
    futures: deque[Future[Result]] = deque()
    try:
        while True:
            room = max(limit - len(futures), 0)
            futures.extend(pool.submit(work, item) for item in itertools.islice(remaining, room))
            if not futures:
                return
            yield _take(futures, ordered=ordered).result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items; the last may be shorter."""
    remaining = iter(items)
    while group := list(itertools.islice(remaining, size)):
        yield group


def usable_cores() -> int:
    """How many cores this process may use; a container may allow fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _take(futures: "deque[Future[Result]]", *, ordered: bool) -> "Future[Result]":
    if ordered:
        return futures.popleft()
    finished = next(iter(wait(futures, return_when=FIRST_COMPLETED).done))
    futures.remove(finished)
    return finished
