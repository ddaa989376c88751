"""Compare a table of LanceDB with the kinds of FAISS: recall, speed, memory, disk and building.

    python benchmarks/scale/lance.py [--vectors 1000000] [--kinds lance-sq8,hnsw-sq8]

The vectors are clustered and synthetic: 32 dimensions mapped to 128, with a little noise. Each kind
is built, saved and measured in a process of its own, one after the other. Times are processor time
of all threads, so that a busy machine favours none; queries come one at a time, after a first round
of the same. Memory is what the
process gains by opening the store and by the queries. The exit code is 1 if a kind of LanceDB finds
less than 0.95 of the true neighbours.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.vectors.contenders import SIZE, K, clustered, recall, resident
from index.vectors.distances import Space
from index.vectors.kinds import KindSetting, StoreSettings, check_kind
from index.vectors.store_file import StoreSource
from index.vectors.stores import open_store, store_of, store_path

KINDS = "exact,hnsw-sq8,ivf-sq8,ivf-pq,lance,lance-sq8,lance-pq"
LEAST_RECALL = 0.95
N_FILTERED = 50
VECTORS_NAME, QUERIES_NAME, TRUTH_NAME = "vectors.npy", "queries.npy", "truth.npy"


def settings_of(kind: KindSetting, folder: Path) -> StoreSettings:
    """The settings of a kind whose files are in a folder."""
    return StoreSettings(kind, address=str(folder / "tables") if "lance" in kind else "")


def build(kind: KindSetting, place: Path) -> dict[str, float]:
    """Build and save a store; the processor and wall seconds that it took."""
    vectors = np.load(place / VECTORS_NAME, mmap_mode="r")
    folder = place / kind
    folder.mkdir()
    settings = settings_of(kind, folder)
    spent, started = time.process_time(), time.perf_counter()
    store = store_of(
        Space(),
        np.arange(len(vectors)),
        size=SIZE,
        read=lambda ids: np.ascontiguousarray(vectors[ids]),
        settings=settings,
    )
    store.save(store_path(folder, settings), StoreSource("benchmark", 1))
    return {
        "build_processor_s": round(time.process_time() - spent, 1),
        "build_wall_s": round(time.perf_counter() - started, 1),
        "disk_mb": round(disk_bytes(folder) / 1e6, 1),
    }


def measure(kind: KindSetting, place: Path, threads: int) -> dict[str, float]:
    """Open a store and search in it, plainly and among half of the tracks."""
    # Threads that wait for work spin, which would count as processor time.
    threadpool_limits(threads)
    queries, truth = np.load(place / QUERIES_NAME), np.load(place / TRUTH_NAME)
    settings = settings_of(kind, place / kind)
    before, spent = resident(), time.process_time()
    store = open_store(store_path(place / kind, settings), Space(), settings)
    open_seconds = time.process_time() - spent
    for query in queries:  # so that a page that is read for the first time counts for none
        store.search(query[None], K)
    results = np.empty((len(queries), K), dtype=np.int64)
    spent = time.process_time()
    for row in range(len(queries)):
        results[row] = store.search(queries[row : row + 1], K)[1][0]
    seconds = (time.process_time() - spent) / len(queries)
    half = store.ids()[::2]
    spent = time.process_time()
    for row in range(N_FILTERED):
        store.search(queries[row : row + 1], K, allowed_ids=half)
    filtered = (time.process_time() - spent) / N_FILTERED
    return {
        "recall": round(recall(results, truth), 4),
        "queries_per_s": round(1 / seconds, 1),
        "filtered_per_s": round(1 / filtered, 1),
        "open_s": round(open_seconds, 2),
        "memory_mb": round((resident() - before) / 1e6, 1),
    }


def disk_bytes(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def true_neighbours(
    vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> NDArray[np.int64]:
    """The ids of the nearest vectors, by comparing all."""
    import faiss

    flat = faiss.IndexFlatIP(SIZE)
    flat.add(vectors)
    ids: NDArray[np.int64] = flat.search(queries, K)[1]
    return ids


def in_a_process(
    step: str, kind: str, options: argparse.Namespace, place: Path
) -> dict[str, float]:
    """What a step measures, in a process of its own."""
    command = [sys.executable, __file__, "--step", step, "--kinds", kind, "--place", str(place)]
    command += ["--threads", str(options.threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    values: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return values


def main() -> int:
    """Build and measure each kind, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--kinds", default=KINDS)
    parser.add_argument("--threads", type=int, default=1, help="of FAISS; LanceDB has its own")
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--step", choices=["build", "measure"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step == "build":
        print(json.dumps(build(check_kind(options.kinds), options.place)))
        return 0
    if options.step == "measure":
        kind = check_kind(options.kinds)
        print(json.dumps(measure(kind, options.place, options.threads)))
        return 0
    is_met = True
    with tempfile.TemporaryDirectory(dir=options.place) as name:
        place = Path(name)
        vectors, queries = clustered(options.vectors, seed=1), clustered(options.queries, seed=2)
        np.save(place / VECTORS_NAME, vectors)
        np.save(place / QUERIES_NAME, queries)
        np.save(place / TRUTH_NAME, true_neighbours(vectors, queries))
        del vectors
        for kind in options.kinds.split(","):
            row = in_a_process("build", kind, options, place)
            row |= in_a_process("measure", kind, options, place)
            print(kind, " ".join(f"{key}={value}" for key, value in row.items()), flush=True)
            is_met &= row["recall"] >= LEAST_RECALL or "lance" not in kind
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
