"""The vector store beside what it is built from and what it competes with, in one run.

    python -m benchmarks.vector_search --vectors 100000
    python -m benchmarks.vector_search --vectors 1000000 --store million.faiss

Clustered synthetic vectors: 32 dimensions of music, laid into 128, with a little noise. With
`--store` the built store is kept there and used again. hnswlib and voyager take part if they are
installed. Every timing is of one thread unless it says otherwise.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index.vectors.distances import Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import LINKS_PER_VECTOR, LINKS_TRIED_PER_VECTOR, StoreSettings
from index.vectors.store_file import StoreSource

SIZE = 128
K = 10
N_QUERIES = 1000
Vectors = NDArray[np.float32]


def clustered(n: int, *, seed: int) -> Vectors:
    """Unit vectors [n, 128] in two thousand clusters; the seed picks members, not clusters."""
    shape = np.random.default_rng(0)
    centres = shape.standard_normal((2000, 32), dtype=np.float32)
    mixing = shape.standard_normal((32, SIZE), dtype=np.float32)
    rng = np.random.default_rng(seed)
    latent = centres[rng.integers(0, len(centres), n)]
    latent += 0.7 * rng.standard_normal((n, 32), dtype=np.float32)
    points = latent @ mixing + 0.3 * rng.standard_normal((n, SIZE), dtype=np.float32)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def recall(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """The share of the true neighbours that was found."""
    return float(np.mean([len(set(a) & set(b)) / K for a, b in zip(found, truth, strict=True)]))


def queries_per_second(search: Callable[[Vectors], object], queries: Vectors) -> float:
    """One query at a time, the best of three rounds."""
    best = np.inf
    for _ in range(3):
        started = time.perf_counter()
        for row in range(len(queries)):
            search(queries[row : row + 1])
        best = min(best, time.perf_counter() - started)
    return len(queries) / best


def times_as_slow(
    ours: Callable[[Vectors], object], theirs: Callable[[Vectors], object], queries: Vectors
) -> float:
    """Ours against theirs, turn by turn, so that a busy machine is unfair to neither.

    Processor time of the thread; the middle of eleven rounds.
    """
    ratios = []
    for _ in range(11):
        spent = []
        for search in (theirs, ours):
            started = time.thread_time()
            for row in range(100):
                search(queries[row : row + 1])
            spent.append(time.thread_time() - started)
        ratios.append(spent[1] / spent[0])
    return float(np.median(ratios))


def report(what: str, value: str, target: str = "") -> None:
    """One row."""
    print(f"{what:<66} {value:>24}   {target}", flush=True)


def compare_exact(vectors: Vectors, queries: Vectors) -> None:
    """Exact search against numpy, query by query and in a batch."""
    some = vectors[:100_000]
    store = FaissStore.build(
        Space(), np.arange(len(some)), vectors=some, settings=StoreSettings("exact")
    )

    def by_numpy(rows: Vectors) -> object:
        similarity = rows @ some.T
        best = np.argpartition(-similarity, K, axis=1)[:, :K]
        order = np.argsort(-np.take_along_axis(similarity, best, 1), axis=1)
        return np.take_along_axis(best, order, 1)

    few = queries[:100]
    ours = queries_per_second(lambda q: store.search(q, K), few)
    theirs = queries_per_second(by_numpy, few)
    report("exact, 100,000, one query: against numpy", f"{ours / theirs:.2f} times as fast", "> 1")
    started = time.perf_counter()
    store.search(queries, K)
    batch = time.perf_counter() - started
    started = time.perf_counter()
    by_numpy(queries)
    ratio = (time.perf_counter() - started) / batch
    report("exact, 100,000, 1000 queries: against numpy", f"{ratio:.2f} times as fast", "> 1")


def compare_warm(store: FaissStore, queries: Vectors, truth: NDArray[np.int64]) -> None:
    """The store against its own FAISS index."""
    raw = store._part._raw
    parameters = store._part._usual_parameters(K)
    ratio = times_as_slow(
        lambda q: store.search(q, K),
        lambda q: raw.search(q, K, params=parameters),
        queries,
    )
    report(f"warm, {store.plan.kind}: against FAISS itself", f"{ratio:.3f} times", "≤ 1.15")
    found = store.search(queries, K)[1]
    report("recall@10 against exact", f"{recall(found, truth):.4f}", "≥ 0.97")


def compare_filtered(store: FaissStore, queries: Vectors, n: int) -> None:
    """A filter that lets one in a thousand through."""
    allowed = np.sort(np.random.default_rng(3).choice(n, max(n // 1000, K), replace=False))
    ratio = times_as_slow(
        lambda q: store.search(q, K, allowed_ids=allowed), lambda q: store.search(q, K), queries
    )
    found = store.search(queries, K, allowed_ids=allowed)[1]
    assert set(found.ravel()) <= set(allowed)
    report("filtered to 0.1 %", f"{ratio:.2f} times", "≤ 5, with k results")


MEMORY_CHILD = """
import sys, numpy as np
from pathlib import Path
from index.vectors.faiss_store import FaissStore
from index.vectors.distances import Space
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
before = resident()
store = FaissStore.open(Path(sys.argv[1]), Space())
queries = np.load(sys.argv[2])
for row in range(len(queries)):
    store.search(queries[row:row + 1], 10)
print(resident() - before)
"""


def compare_memory(path: Path, queries: Vectors) -> None:
    """What opening and a thousand queries keep in memory, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "queries.npy"
        np.save(asked, queries)
        command = [sys.executable, "-c", MEMORY_CHILD, str(path), str(asked)]
        used = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    share = used / path.stat().st_size
    report("memory to open and query, against the file", f"{share:.3f} times", "< 1.2")


def compare_adding(path: Path, build_seconds: float) -> None:
    """Opening, adding a thousand and writing it all down again."""
    new = clustered(1000, seed=9)
    started = time.perf_counter()
    store = FaissStore.open(path, Space())
    store.add(np.arange(10**9, 10**9 + 1000), new)
    added = time.perf_counter() - started
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        store.save(Path(folder) / "vectors.faiss", StoreSource("benchmark", 2))
    seconds = time.perf_counter() - started
    value = f"{seconds:.1f} s ({added:.1f} s unsaved)"
    if build_seconds:
        value = f"{seconds / build_seconds:.2%} of building"
    report("adding 1,000, written down", value, "< 2 %")


def compare_others(
    vectors: Vectors, queries: Vectors, truth: NDArray[np.int64], store: FaissStore
) -> None:
    """Queries a second at equal recall, with the same links and effort in building."""
    n_threads = os.cpu_count() or 1
    raw = store._part._raw
    megabytes = faiss.serialize_index(raw).nbytes / 1e6
    report(f"soundalike: {store.plan.kind}", f"{megabytes:.0f} MB in memory")
    curve(lambda q, e: _with_effort(store, e).search(q, K)[1], queries, truth)
    try:
        import hnswlib
        import voyager
    except ImportError as error:
        report("others", f"{error.name} is not installed")
        return
    started = time.perf_counter()
    graph = hnswlib.Index("ip", SIZE)
    graph.init_index(len(vectors), M=LINKS_PER_VECTOR, ef_construction=LINKS_TRIED_PER_VECTOR)
    graph.add_items(vectors, num_threads=n_threads)
    report("hnswlib: built", f"{time.perf_counter() - started:.0f} s")
    graph.set_num_threads(1)

    def by_hnswlib(rows: Vectors, effort: int) -> NDArray[np.int64]:
        graph.set_ef(effort)
        labels: NDArray[np.int64] = graph.knn_query(rows, K)[0].astype(np.int64)
        return labels

    curve(by_hnswlib, queries, truth)
    started = time.perf_counter()
    tree = voyager.Index(
        voyager.Space.InnerProduct,
        SIZE,
        M=LINKS_PER_VECTOR,
        ef_construction=LINKS_TRIED_PER_VECTOR,
    )
    tree.add_items(vectors, num_threads=n_threads)
    report("voyager: built", f"{time.perf_counter() - started:.0f} s")

    def by_voyager(rows: Vectors, effort: int) -> NDArray[np.int64]:
        labels: NDArray[np.int64] = tree.query(rows, K, num_threads=1, query_ef=effort)[0]
        return labels.astype(np.int64)

    curve(by_voyager, queries, truth)


def curve(
    search: Callable[[Vectors, int], NDArray[np.int64]],
    queries: Vectors,
    truth: NDArray[np.int64],
) -> None:
    """The least effort that reaches a recall, and the queries a second there."""
    for wanted in (0.95, 0.99):
        for effort in (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384):
            share = recall(search(queries, effort), truth)
            if share >= wanted:
                rate = queries_per_second(lambda q, e=effort: search(q, e), queries[:300])
                report(f"    recall {share:.3f} at effort {effort}", f"{rate:,.0f} queries/s")
                break


def _with_effort(store: FaissStore, effort: int) -> FaissStore:
    from dataclasses import replace

    store._part.plan = replace(store.plan, search_effort=effort)
    return store


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--kind", default="hnsw-sq8")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--skip-others", action="store_true")
    options = parser.parse_args()
    n = options.vectors
    vectors, queries = clustered(n, seed=1), clustered(N_QUERIES, seed=2)
    flat = faiss.IndexFlatIP(SIZE)
    flat.add(vectors)
    truth = flat.search(queries, K)[1]
    del flat
    path = options.store or Path(tempfile.mkdtemp()) / "vectors.faiss"
    build_seconds = 0.0
    if not path.exists():
        started = time.perf_counter()
        settings = StoreSettings(options.kind)
        store = FaissStore.build(Space(), np.arange(n), vectors=vectors, settings=settings)
        build_seconds = time.perf_counter() - started
        report(f"{n:,} × {SIZE}, {options.kind}: built", f"{build_seconds:.1f} s, all cores")
        store.save(path, StoreSource("benchmark", 1))
    faiss.omp_set_num_threads(1)
    store = FaissStore.open(path, Space())
    compare_warm(store, queries, truth)
    compare_filtered(store, queries, n)
    compare_memory(path, queries)
    compare_adding(path, build_seconds)
    compare_exact(vectors, queries)
    if not options.skip_others:
        compare_others(vectors, queries, truth, store)


if __name__ == "__main__":
    main()
