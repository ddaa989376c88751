"""Compare the vector store with its own FAISS index, hnswlib and voyager.

    python benchmarks/vector_search.py [--vectors 1000000] [--store million.faiss] [--skip-others]

The vectors are clustered and synthetic: 32 dimensions mapped to 128, with a little noise. With
`--store` the built store is kept there and used again. hnswlib and voyager take part if they are
installed. They build with the same links and effort, on all cores. Searches run on one thread, one
query at a time, in turns, in processor time, so that a busy machine favours none. The exit code is
1 if a goal is missed.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.vectors.contenders import (
    SIZE,
    Contender,
    K,
    Vectors,
    clustered,
    missed,
    other_libraries,
    our_search,
    recall,
    report,
    seconds_per_query,
)
from index.vectors.distances import Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import StoreSettings
from index.vectors.store_file import StoreSource

N_QUERIES = 1000


def compare_warm(store: FaissStore, queries: Vectors, truth: NDArray[np.int64]) -> None:
    """Compare the store with its own FAISS index, called directly."""
    part = store._part.main
    parameters = part._usual_parameters(K)
    store_seconds, direct_seconds = seconds_per_query(
        [lambda q: store.search(q, K), lambda q: part._raw.search(q, K, params=parameters)],
        queries,
    )
    what = f"warm, {store.plan.kind}: against FAISS called directly"
    report(
        what,
        f"{store_seconds / direct_seconds:.3f} times",
        "≤ 1.15",
        is_met=store_seconds / direct_seconds <= 1.15,
    )
    share = recall(store.search(queries, K)[1], truth)
    report("recall@10 against exact", f"{share:.4f}", "≥ 0.97", is_met=share >= 0.97)


def compare_filtered(store: FaissStore, queries: Vectors, n: int) -> None:
    """Compare a search with a filter that allows one vector in a thousand with a plain one."""
    allowed_ids = np.sort(np.random.default_rng(3).choice(n, max(n // 1000, K), replace=False))
    filtered, unfiltered = seconds_per_query(
        [lambda q: store.search(q, K, allowed_ids=allowed_ids), lambda q: store.search(q, K)],
        queries,
    )
    ids = store.search(queries, K, allowed_ids=allowed_ids)[1]
    is_full = set(ids.ravel().tolist()) <= set(allowed_ids.tolist())
    ratio = filtered / unfiltered
    is_met = is_full and ratio <= 5
    report("filtered to 0.1 %", f"{ratio:.2f} times", "≤ 5, with k results", is_met=is_met)


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


def compare_memory(path: Path, queries: Vectors) -> float:
    """Bytes in memory after opening and a thousand queries, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        query_path = Path(folder) / "queries.npy"
        np.save(query_path, queries)
        command = [sys.executable, "-c", MEMORY_CHILD, str(path), str(query_path)]
        used = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    share = used / path.stat().st_size
    what = "memory to open and query, against the file"
    report(what, f"{share:.3f} times", "< 1.2", is_met=share < 1.2)
    return used


def compare_adding(path: Path, build_seconds: float) -> None:
    """Time opening the store, adding a thousand vectors and writing it again."""
    new = clustered(1000, seed=9)
    started = time.perf_counter()
    store = FaissStore.open(path, Space())
    store.add(np.arange(10**9, 10**9 + 1000), new)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        store.save(Path(folder) / "vectors.faiss", StoreSource("benchmark", 2))
        seconds = time.perf_counter() - started
    share = seconds / build_seconds if build_seconds else 0.0
    value = f"{seconds:.1f} s" + (f", {share:.2%} of building" if share else "")
    report("adding 1,000, with writing", value, "< 2 %", is_met=share < 0.02)


def compare_others(
    contenders: Sequence[Contender], queries: Vectors, truth: NDArray[np.int64]
) -> None:
    """Compare queries per second at equal recall; the first contender is soundalike."""
    for engine in contenders:
        built = f"{engine.build_seconds:.0f} s" if engine.build_seconds else "before"
        report(f"{engine.name}: built", f"{built}, {engine.megabytes:,.0f} MB")
    for goal in (0.95, 0.99):
        searches, notes = [], []
        for engine in contenders:
            effort, share = least_effort(engine, goal, queries, truth)
            searches.append(lambda q, engine=engine, effort=effort: engine.search(q, effort))
            notes.append(f"{engine.name}: recall {share:.3f} at effort {effort}")
        seconds = seconds_per_query(searches, queries)
        for note, spent in zip(notes, seconds, strict=True):
            ratio = min(seconds) / spent
            is_met = ratio >= 0.7 or spent != seconds[0]
            value = f"{1 / spent:,.0f} queries/s, {ratio:.2f}"
            report(note, value, "soundalike ≥ 0.7 of best", is_met=is_met)


def least_effort(
    engine: Contender, goal: float, queries: Vectors, truth: NDArray[np.int64]
) -> tuple[int, float]:
    """The least effort that reaches the goal's recall, by bisection, and its recall."""
    low, high = K - 1, 1024
    share = 0.0
    while high - low > 1:
        middle = (low + high) // 2
        reached = recall(engine.search(queries, middle), truth)
        if reached >= goal:
            high, share = middle, reached
        else:
            low = middle
    return high, share


def main() -> int:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=1_000_000)
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
    with tempfile.TemporaryDirectory() as folder:
        path = options.store or Path(folder) / "vectors.faiss"
        build_seconds = 0.0
        if not path.exists():
            started = time.perf_counter()
            settings = StoreSettings(options.kind)
            store = FaissStore.build(Space(), np.arange(n), vectors=vectors, settings=settings)
            build_seconds = time.perf_counter() - started
            report(f"{n:,} × {SIZE}, {options.kind}: built", f"{build_seconds:.0f} s")
            store.save(path, StoreSource("benchmark", 1))
        store = FaissStore.open(path, Space())
        compare_adding(path, build_seconds)
        rivals = [] if options.skip_others else other_libraries(vectors)
        faiss.omp_set_num_threads(1)
        compare_warm(store, queries, truth)
        compare_filtered(store, queries, n)
        used = compare_memory(path, queries)
        soundalike = Contender("soundalike", build_seconds, used / 1e6, our_search(store))
        compare_others([soundalike, *rivals], queries, truth)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
