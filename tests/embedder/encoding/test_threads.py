"""Work in threads: order, bounded memory, errors, early end."""

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from embedder.encoding.threads import in_groups, map_in_threads


def test_results_come_in_input_order() -> None:
    """A slow first item is still the first result."""

    def work(n: int) -> int:
        time.sleep(0.02 if n == 0 else 0)
        return n * n

    assert list(map_in_threads(work, range(20), workers=4)) == [n * n for n in range(20)]


def test_unordered_results_come_as_they_are_ready() -> None:
    """A slow first item does not delay the others."""
    gate = threading.Event()

    def work(n: int) -> int:
        if n == 0:
            gate.wait(5)
        return n

    results = map_in_threads(work, range(4), workers=2, ordered=False)
    early = [next(results) for _ in range(3)]
    gate.set()
    assert sorted(early) == [1, 2, 3]
    assert list(results) == [0]


def test_an_endless_stream_is_taken_only_as_far_as_needed() -> None:
    """No more than the allowed number of items is taken ahead of the consumer."""
    taken_items: list[int] = []

    def numbers() -> Iterator[int]:
        for n in itertools.count():
            taken_items.append(n)
            yield n

    results = map_in_threads(lambda n: n, numbers(), workers=2, ahead=3)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    results.close()
    assert len(taken_items) <= 5 + 3


def test_leaving_early_ends_the_threads() -> None:
    """After the generator is closed, no thread is left."""
    results = map_in_threads(lambda n: n, itertools.count(), workers=3)
    next(results)
    results.close()
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("soundalike-worker")]


def test_a_bug_in_the_work_is_raised_at_the_consumer() -> None:
    """An exception in a thread reaches the consumer."""

    def work(n: int) -> float:
        return 1 / n

    with pytest.raises(ZeroDivisionError):
        list(map_in_threads(work, [1, 0], workers=1))


def test_groups_keep_every_item_in_order() -> None:
    """Groups of three of eight items are three, three and two."""
    assert list(in_groups(range(8), 3)) == [[0, 1, 2], [3, 4, 5], [6, 7]]
