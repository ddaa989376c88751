"""One size of a store of vectors: built in blocks, opened, searched. A process of its own.

    python benchmarks/scale/vectors.py build|search N KIND FOLDER

The vectors are clustered and synthetic (`benchmarks/vectors/contenders.py`), float32 [n, 128] in
one file of FOLDER, so that memory holds the index alone. The last line is JSON.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.vectors.contenders import SIZE, K, Vectors, clustered, recall
from index.vectors.building import build_in_blocks
from index.vectors.distances import FloatMatrix, Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import StoreSettings
from index.vectors.store import IdArray
from index.vectors.store_file import StoreSource

BLOCK = 65_536
N_QUERIES = 200
EFFORTS = (1, 2, 4)
"""Of the kind's own effort, until the recall is reached."""
GOAL = 0.95
LOOK_EVERY_SECONDS = 0.05


def blocks(n: int) -> Iterator[slice]:
    """Stretches of n rows."""
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))


def vectors_in(path: Path, n: int) -> Vectors:
    """Vectors [n, 128] in a file, mapped; they are made if it is not there."""
    shape = (n, SIZE)
    if not path.exists() or path.stat().st_size != 4 * n * SIZE:
        written = np.memmap(path, np.float32, "w+", shape=shape)
        for block in blocks(n):
            written[block] = clustered(block.stop - block.start, seed=1000 + block.start // BLOCK)
        written.flush()
        del written
    mapped: Vectors = np.memmap(path, np.float32, "r", shape=shape)
    return mapped


def true_neighbours(vectors: Vectors, queries: Vectors) -> NDArray[np.int64]:
    """The K nearest rows [queries, K], by comparing all."""
    best = faiss.ResultHeap(len(queries), K, keep_max=True)
    for block in blocks(len(vectors)):
        values, rows = faiss.knn(
            queries, np.ascontiguousarray(vectors[block]), K, metric=faiss.METRIC_INNER_PRODUCT
        )
        best.add_result(values, rows + block.start)
    best.finalize()
    rows_found: NDArray[np.int64] = best.I
    return rows_found


def own_memory() -> int:
    """Bytes in memory that belong to this process alone, mapped files apart."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


@contextmanager
def watched_memory() -> Iterator[list[int]]:
    """The most bytes of its own that this process has in the block, as the only item."""
    before, most, is_over = own_memory(), [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(LOOK_EVERY_SECONDS):
            most[0] = max(most[0], own_memory() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        most[0] = max(most[0], own_memory() - before)
        is_over.set()
        watcher.join()


def build(n: int, kind: str, vectors: Vectors, path: Path) -> dict[str, float]:
    """Build and save a store."""

    def read(ids: IdArray) -> FloatMatrix:
        is_stretch = len(ids) > 0 and ids[-1] - ids[0] + 1 == len(ids)
        some: FloatMatrix = np.array(vectors[ids[0] : ids[-1] + 1] if is_stretch else vectors[ids])
        return some

    started = time.process_time()
    with watched_memory() as most:
        store = build_in_blocks(
            Space(), np.arange(n), size=SIZE, read=read, settings=StoreSettings(kind)
        )
    built = time.process_time() - started
    started = time.process_time()
    store.save(path, StoreSource("benchmark", 1))
    return {
        "build_cpu_seconds": built,
        "build_memory_bytes": most[0],
        "save_cpu_seconds": time.process_time() - started,
        "file_bytes": path.stat().st_size,
    }


def latencies(store: FaissStore, queries: Vectors) -> NDArray[np.float64]:
    """Processor milliseconds of each query, one at a time."""
    spent = []
    for row in range(len(queries)):
        started = time.thread_time()
        store.search(queries[row : row + 1], K)
        spent.append(1e3 * (time.thread_time() - started))
    return np.array(spent)


def search(vectors: Vectors, path: Path) -> dict[str, float]:
    """Open the store, search it, and compare with the true neighbours."""
    queries = clustered(N_QUERIES, seed=2)
    truth = true_neighbours(vectors, queries)
    faiss.omp_set_num_threads(1)
    before = own_memory()
    started, clock = time.process_time(), time.perf_counter()
    store = FaissStore.open(path, Space())
    figures = {
        "open_cpu_seconds": time.process_time() - started,
        "open_seconds": time.perf_counter() - clock,
    }
    for factor in EFFORTS:
        if factor > 1:
            effort = factor * store.plan.search_effort
            store = FaissStore.open(path, Space(), search_effort=effort)
        figures["search_effort"] = store.plan.search_effort
        figures["recall"] = recall(store.search(queries, K)[1], truth)
        if figures["recall"] >= GOAL:
            break
    spent = latencies(store, queries)
    figures["query_cpu_ms"] = float(np.median(spent))
    figures["query_cpu_ms_p99"] = float(np.quantile(spent, 0.99))
    figures["open_memory_bytes"] = own_memory() - before
    return figures


def main(step: str, n: int, kind: str, folder: Path) -> None:
    """Do one step and print its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    vectors = vectors_in(folder / f"{n}.f32", n)
    path = folder / f"{n}-{kind}.faiss"
    figures = build(n, kind, vectors, path) if step == "build" else search(vectors, path)
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
