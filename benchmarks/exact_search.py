"""Time exact search against numpy: the product of queries and vectors, and a partial sort.

    python benchmarks/exact_search.py [--vectors 100000]

Both use one thread and are measured in processor time, so that a busy machine does not favour
either. The exit code is 1 if soundalike is not faster.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it has no types

from index.vectors.distances import Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import StoreSettings

SIZE = 128
K = 10
N_ROUNDS = 11
Vectors = NDArray[np.float32]


def main() -> int:
    """Measure both, with one query at a time and with batches of a thousand."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=100_000)
    n = parser.parse_args().vectors
    generator = np.random.default_rng(0)
    vectors = Space().to_unit(generator.standard_normal((n, SIZE), dtype=np.float32))
    queries = Space().to_unit(generator.standard_normal((1000, SIZE), dtype=np.float32))
    store = FaissStore.build(
        Space(), np.arange(n), vectors=vectors, settings=StoreSettings("exact")
    )

    def by_store(rows: Vectors) -> NDArray[np.int64]:
        return store.search(rows, K)[1]

    def by_numpy(rows: Vectors) -> NDArray[np.int64]:
        similarity = rows @ vectors.T
        best = np.argpartition(-similarity, K, axis=1)[:, :K]
        order = np.argsort(-np.take_along_axis(similarity, best, 1), axis=1)
        return np.take_along_axis(best, order, 1)

    assert np.mean(by_store(queries) == by_numpy(queries)) > 0.999
    is_faster = True
    for size, n_queries, n_rounds in ((1, 20, N_ROUNDS), (1000, 1000, 3)):
        with threadpool_limits(1):
            store_seconds, numpy_seconds = (
                seconds_of(search, queries[:n_queries], size=size, n_rounds=n_rounds)
                for search in (by_store, by_numpy)
            )
        what = f"{n:,} x {SIZE}, {size} at once"
        print(
            f"{what}: {1e3 * store_seconds:.2f} ms a query, numpy {1e3 * numpy_seconds:.2f} ms",
            flush=True,
        )
        ratio = numpy_seconds / store_seconds
        print(f"    {ratio:.2f} times as fast (more than 1); {os.cpu_count()} cores")
        is_faster = is_faster and store_seconds < numpy_seconds
    return 0 if is_faster else 1


def seconds_of(
    search: Callable[[Vectors], object], queries: Vectors, *, size: int, n_rounds: int
) -> float:
    """Processor time per query in batches of `size`: the median of `n_rounds`."""
    spent = []
    for _ in range(n_rounds):
        started = time.process_time()
        for start in range(0, len(queries), size):
            search(queries[start : start + size])
        spent.append((time.process_time() - started) / len(queries))
    return float(np.median(spent))


if __name__ == "__main__":
    sys.exit(main())
