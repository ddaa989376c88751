"""Work on a stream of items in threads: in order or as they come, at bounded memory.

Threads, not processes: decoding, transforms and the network all leave the interpreter lock, and a
process would have to load the network again. Never more than `ahead` items are under way, however
long the stream is; leaving the generator early stops the rest.
"""

import itertools
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
) -> Iterator[Result]:
    """`work(item)` for each item; an exception in `work` is raised here, where it is consumed."""
    waiting = iter(items)
    limit = ahead if ahead is not None else 2 * workers
    pool = ThreadPoolExecutor(workers, thread_name_prefix="soundalike-worker")
    under_way: deque[Future[Result]] = deque()
    try:
        while True:
            room = max(limit - len(under_way), 0)
            under_way.extend(pool.submit(work, item) for item in itertools.islice(waiting, room))
            if not under_way:
                return
            yield _take(under_way, ordered=ordered).result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, the last one shorter."""
    waiting = iter(items)
    while group := list(itertools.islice(waiting, size)):
        yield group


def _take(under_way: "deque[Future[Result]]", *, ordered: bool) -> "Future[Result]":
    if ordered:
        return under_way.popleft()
    done = next(iter(wait(under_way, return_when=FIRST_COMPLETED).done))
    under_way.remove(done)
    return done
