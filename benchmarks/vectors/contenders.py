"""Clustered vectors, searches timed in turns, and graphs of other libraries."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import LINKS_PER_VECTOR, LINKS_TRIED_PER_VECTOR

SIZE = 128
K = 10
N_ROUNDS = 11
"""A prime number, so that each of two or three contenders gets every part of the queries."""
Vectors = NDArray[np.float32]
Search = Callable[[Vectors], object]
missed: list[str] = []


@dataclass(frozen=True, slots=True)
class Contender:
    """A graph index, and its search with a given effort."""

    name: str
    build_seconds: float
    megabytes: float
    search: Callable[[Vectors, int], NDArray[np.int64]]


def clustered(n: int, *, seed: int) -> Vectors:
    """Unit vectors [n, 128] in two thousand clusters; the seed picks members, not clusters."""
    shape = np.random.default_rng(0)
    centres = shape.standard_normal((2000, 32), dtype=np.float32)
    mixing = shape.standard_normal((32, SIZE), dtype=np.float32)
    rng = np.random.default_rng(seed)
    latent = centres[rng.integers(0, len(centres), n)]
    latent += 0.7 * rng.standard_normal((n, 32), dtype=np.float32)
    vectors = latent @ mixing + 0.3 * rng.standard_normal((n, SIZE), dtype=np.float32)
    units: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units


def recall(ids: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """The share of the true neighbours that was found."""
    return float(np.mean([len(set(a) & set(b)) / K for a, b in zip(ids, truth, strict=True)]))


def seconds_per_query(searches: Sequence[Search], queries: Vectors) -> list[float]:
    """Median processor time of each search, one query at a time, in turns.

    Each search gets every query once, and never right after another search had the same query.
    """
    slices = np.array_split(queries, N_ROUNDS)
    spent: list[list[float]] = [[] for _ in searches]
    for turn in range(N_ROUNDS * len(searches)):
        turn_queries, search = slices[turn % N_ROUNDS], searches[turn % len(searches)]
        started = time.thread_time()
        for row in range(len(turn_queries)):
            search(turn_queries[row : row + 1])
        spent[turn % len(searches)].append((time.thread_time() - started) / len(turn_queries))
    return [float(np.median(seconds)) for seconds in spent]


def report(what: str, value: str, target: str = "", *, is_met: bool = True) -> None:
    """Print one row, and note it if its goal is missed."""
    print(f"{what:<60} {value:>28}   {target}{'' if is_met else '  MISSED'}", flush=True)
    if not is_met:
        missed.append(what)


def other_libraries(vectors: Vectors) -> list[Contender]:
    """Graphs of hnswlib and voyager, if they are installed."""
    contenders = []
    for name, build in (("hnswlib", with_hnswlib), ("voyager", with_voyager)):
        before, started = resident(), time.perf_counter()
        try:
            search = build(vectors)
        except ImportError:
            report(name, "not installed")
            continue
        seconds = time.perf_counter() - started
        contenders.append(Contender(name, seconds, (resident() - before) / 1e6, search))
    return contenders


def with_hnswlib(vectors: Vectors) -> Callable[[Vectors, int], NDArray[np.int64]]:
    """Build hnswlib's graph; returns its search."""
    import hnswlib

    graph = hnswlib.Index("ip", SIZE)
    graph.init_index(len(vectors), M=LINKS_PER_VECTOR, ef_construction=LINKS_TRIED_PER_VECTOR)
    graph.add_items(vectors, num_threads=os.cpu_count() or 1)
    graph.set_num_threads(1)

    def search(rows: Vectors, effort: int) -> NDArray[np.int64]:
        graph.set_ef(effort)
        labels: NDArray[np.int64] = graph.knn_query(rows, K)[0].astype(np.int64)
        return labels

    return search


def with_voyager(vectors: Vectors) -> Callable[[Vectors, int], NDArray[np.int64]]:
    """Build voyager's graph; returns its search."""
    import voyager

    space, links_tried = voyager.Space.InnerProduct, LINKS_TRIED_PER_VECTOR
    graph = voyager.Index(space, SIZE, M=LINKS_PER_VECTOR, ef_construction=links_tried)
    graph.add_items(vectors, num_threads=os.cpu_count() or 1)

    def search(rows: Vectors, effort: int) -> NDArray[np.int64]:
        labels: NDArray[np.int64] = graph.query(rows, K, num_threads=1, query_ef=effort)[0]
        return labels.astype(np.int64)

    return search


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def our_search(store: FaissStore) -> Callable[[Vectors, int], NDArray[np.int64]]:
    """The store's search with a given effort."""

    def search(rows: Vectors, effort: int) -> NDArray[np.int64]:
        if store._part.main.plan.search_effort != effort:
            store._part.main.plan = replace(store.plan, search_effort=effort)
        return store.search(rows, K)[1]

    return search
