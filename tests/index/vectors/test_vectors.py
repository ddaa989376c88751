"""The vector store: the results of a full comparison, for every kind and history."""

import json
import os
import struct
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.config.model import GeometryKind
from embedder.errors import CorruptArtefact, UnknownChoice, UnsupportedFormat
from index.vectors.distances import Space, nearest
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import (
    KindSetting,
    StoreSettings,
    choose_plan,
    is_outgrown,
    memory_bytes,
)
from index.vectors.store_file import StoreSource, read_header
from tests.index.vectors.store_cases import (
    KINDS,
    N_TRAINABLE,
    SIZE,
    SPACES,
    by_hand,
    clustered,
    recall,
)

MAPS = Path("/proc/self/maps")


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.kind)
def test_exact_is_exact(space: Space) -> None:
    """The exact kind gives the results of a full comparison."""
    vectors = clustered(800, seed=1, space=space)
    ids = np.arange(800) * 7 + 3
    store = FaissStore.build(space, ids, vectors=vectors)
    expected = by_hand(space, vectors[:40], ids, vectors, 10)
    distances, neighbour_ids = store.search(vectors[:40], 10)
    np.testing.assert_array_equal(neighbour_ids, expected[1])
    np.testing.assert_allclose(distances, expected[0], atol=2e-6)


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("space", SPACES[:2], ids=lambda space: space.kind)
def test_every_kind_finds_nearly_all_and_measures_truly(space: Space, kind: KindSetting) -> None:
    """Recall is at least 0.97, and each reported distance is the true one."""
    if kind == "ivf-pq" and space.kind != "cosine":
        pytest.skip("learning its codes takes seconds; once is enough")
    n = N_TRAINABLE if kind == "ivf-pq" else 3000
    vectors = clustered(n, seed=1, space=space)
    ids = np.arange(n)
    queries = clustered(50, seed=2, space=space)
    store = FaissStore.build(space, ids, vectors=vectors, settings=StoreSettings(kind))
    distances, neighbour_ids = store.search(queries, 10)
    expected = by_hand(space, queries, ids, vectors, 10)
    assert recall(neighbour_ids, expected[1]) >= 0.97
    for row, query in enumerate(queries):
        true = space.between(query, vectors[neighbour_ids[row]])
        np.testing.assert_allclose(distances[row], true, atol=2e-6)
    assert (np.diff(distances, axis=1) >= 0).all()


def test_distances_are_the_embedders() -> None:
    """Here and in `embedder.geometry` nearer means the same."""
    torch = pytest.importorskip("torch")
    from embedder.geometry import geometry_of

    for space in SPACES:
        points = clustered(30, seed=4, space=space)
        expected = geometry_of(space.kind, curvature=space.curvature).pairwise(
            torch.from_numpy(points), torch.from_numpy(points)
        )
        ours = np.stack([space.between(point, points) for point in points])
        np.testing.assert_allclose(ours, expected.numpy(), atol=2e-5)


@pytest.mark.parametrize("kind", ["exact", "hnsw", "hnsw-sq8", "ivf-sq8"])
@pytest.mark.parametrize("n_allowed", [1, 5, 60, 900])
def test_a_filter_gives_k_results_whenever_k_exist(
    kind: KindSetting, n_allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Narrow or wide, a filter lets through only what it allows, and as many as were asked for."""
    monkeypatch.setattr("index.vectors.faiss_store.MAX_ALLOWED_EXACT", 50)
    vectors = clustered(3000, seed=1)
    ids = np.arange(3000) + 100
    store = FaissStore.build(Space(), ids, vectors=vectors, settings=StoreSettings(kind))
    allowed = np.sort(np.random.default_rng(3).choice(ids, n_allowed, replace=False))
    distances, neighbour_ids = store.search(vectors[:20], 10, allowed_ids=allowed)
    expected = by_hand(Space(), vectors[:20], allowed, vectors[allowed - 100], 10)
    n_found = min(10, n_allowed)
    assert set(neighbour_ids[:, :n_found].ravel()) <= set(allowed)
    assert (neighbour_ids[:, n_found:] == -1).all()
    assert np.isinf(distances[:, n_found:]).all()
    assert recall(neighbour_ids[:, :n_found], expected[1]) > 0.95


def test_unknown_ids_in_a_filter_are_ignored() -> None:
    """A filter may name tracks that have no vector."""
    store = FaissStore.build(Space(), np.array([1, 2]), vectors=clustered(2, seed=1))
    _, neighbour_ids = store.search(clustered(1, seed=1), 3, allowed_ids=np.array([2, 99]))
    assert neighbour_ids.tolist() == [[2, -1, -1]]


def test_an_empty_store_finds_nothing() -> None:
    """No vectors: no hits, and no error."""
    empty = np.empty((0, SIZE), np.float32)
    store = FaissStore.build(Space(), np.empty(0, np.int64), vectors=empty)
    distances, neighbour_ids = store.search(clustered(2, seed=1), 3)
    assert (neighbour_ids == -1).all()
    assert np.isinf(distances).all()


def test_equally_near_ones_come_by_id() -> None:
    """The order of equal vectors does not depend on how the store came about."""
    same = np.repeat(clustered(1, seed=1), 6, axis=0)
    store = FaissStore.build(Space(), np.array([5, 3, 9, 1, 7, 2]), vectors=same)
    assert store.search(same[:1], 6)[1].tolist() == [[1, 2, 3, 5, 7, 9]]


@pytest.mark.parametrize("kind", KINDS[:4])
def test_a_store_survives_its_file(kind: KindSetting, tmp_path: Path) -> None:
    """An opened store gives the same results as before, and can be changed."""
    n = 2000
    vectors = clustered(n, seed=1)
    store = FaissStore.build(Space(), np.arange(n), vectors=vectors, settings=StoreSettings(kind))
    path = tmp_path / "vectors.faiss"
    store.save(path, StoreSource("model", 7))
    opened = FaissStore.open(path, Space())
    assert opened.source == StoreSource("model", 7)
    assert opened.info().is_memory_mapped
    for ours, expected in zip(
        opened.search(vectors[:9], 5), store.search(vectors[:9], 5), strict=True
    ):
        np.testing.assert_array_equal(ours, expected)
    opened.add(np.array([n + 1]), vectors[:1])
    opened.remove(np.array([0]))
    assert opened.search(vectors[:1], 1)[1].tolist() == [[n + 1]]
    opened.save(path, StoreSource("model", 8))
    again = FaissStore.open(path, Space())
    assert again.search(vectors[:1], 1)[1].tolist() == [[n + 1]]
    np.testing.assert_array_equal(again.vectors(np.array([n + 1, 5])), vectors[[0, 5]])


@pytest.mark.skipif(not MAPS.exists(), reason="needs Linux, which lists the mapped files")
@pytest.mark.parametrize("kind", KINDS[:4])
def test_an_opened_store_is_mapped_from_its_file(kind: KindSetting, tmp_path: Path) -> None:
    """The system maps the file as long as the store is open."""
    path = tmp_path / "vectors.faiss"
    vectors = clustered(500, seed=1)
    store = FaissStore.build(Space(), np.arange(500), vectors=vectors, settings=StoreSettings(kind))
    store.save(path, StoreSource("model", 1))
    assert str(path) not in MAPS.read_text()
    opened = FaissStore.open(path, Space())
    assert opened.info().is_memory_mapped
    assert str(path) in MAPS.read_text()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.faiss"
    store = FaissStore.build(Space(), np.arange(300), vectors=clustered(300, seed=1))
    store.save(path, StoreSource("model", 1))
    return path


@pytest.mark.parametrize("where", [0.0, 0.3, 0.6, 0.9, 0.999])
def test_a_damaged_file_is_refused(saved: Path, where: float) -> None:
    """One wrong byte anywhere is noticed, although the file's time has not changed."""
    before = saved.stat().st_mtime_ns
    data = bytearray(saved.read_bytes())
    data[int(where * (len(data) - 1))] ^= 0x55
    saved.write_bytes(data)
    os.utime(saved, ns=(before, before))
    with pytest.raises((CorruptArtefact, UnsupportedFormat), match=str(saved)):
        FaissStore.open(saved, Space())


@pytest.mark.parametrize("n_kept", [0, 5, 4096, -1])
def test_a_truncated_file_is_refused(saved: Path, n_kept: int) -> None:
    """A file that was cut off is refused."""
    saved.write_bytes(saved.read_bytes()[:n_kept])
    with pytest.raises(CorruptArtefact, match="truncated"):
        FaissStore.open(saved, Space())


@pytest.mark.parametrize("seconds", [-(10**9), 10**9])
def test_the_time_of_change_says_nothing(saved: Path, seconds: int) -> None:
    """A copy, a clock that went back or a time in the future is no damage."""
    time_ns = saved.stat().st_mtime_ns + seconds * 10**9
    os.utime(saved, ns=(time_ns, time_ns))
    assert FaissStore.open(saved, Space()).info().n_vectors == 300


def test_a_file_of_an_older_format_is_refused(saved: Path) -> None:
    """A file without checksums of rows cannot be verified, so opening it raises an error."""
    values = asdict(read_header(saved)) | {"format": 3}
    text = json.dumps(values).encode()
    data = saved.read_bytes()
    n_old = int.from_bytes(data[-16:-12], "little")
    tail = struct.pack("<II8s", len(text), zlib.crc32(text), b"SNDALIKE")
    saved.write_bytes(data[: -16 - n_old] + text + tail)
    with pytest.raises(UnsupportedFormat, match="format 3, this version reads 4"):
        FaissStore.open(saved, Space())


def test_a_failed_write_leaves_the_old_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed write leaves the old file and no temporary one."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    store = FaissStore.open(saved, Space())
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.save(saved, StoreSource("model", 2))
    assert read_header(saved).revision == 1
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_the_kind_follows_size_and_memory() -> None:
    """A small store is exact, a large one a graph, or lists if memory is short; both can be set."""
    gigabyte = 2**30
    plans = {
        (n, memory): choose_plan(n, 128, StoreSettings(memory_bytes=memory)).kind
        for n, memory in [
            (1000, gigabyte),
            (1_000_000, 4 * gigabyte),
            (1_000_000, gigabyte // 3),
            (1_000_000, gigabyte // 6),
            (1_000_000, gigabyte // 12),
        ]
    }
    assert list(plans.values()) == ["exact", "hnsw-sq8", "hnsw-sq8", "ivf-sq8", "ivf-pq"]
    for (n, memory), kind in plans.items():
        assert memory_bytes(kind, n, 128) <= memory
    assert choose_plan(10, 128, StoreSettings("hnsw")).kind == "hnsw"
    with pytest.raises(UnknownChoice, match="ivf-sq8"):
        choose_plan(10, 128, StoreSettings("tree"))  # type: ignore[arg-type]  # the bad input itself


def test_one_track_more_does_not_change_the_kind() -> None:
    """Near the limit of size, the present kind is kept."""
    exact = choose_plan(99_000, 128, StoreSettings())
    assert not is_outgrown(exact, 101_000, 128, settings=StoreSettings())
    assert is_outgrown(exact, 200_000, 128, settings=StoreSettings())


@given(
    kind=st.sampled_from(["cosine", "euclidean", "poincare"]),
    n=st.integers(1, 30),
    k=st.integers(1, 40),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_nearest_is_a_sorted_beginning(kind: GeometryKind, n: int, k: int, seed: int) -> None:
    """The k nearest are the first k of all in order."""
    space = Space(kind)
    vectors = clustered(n, seed=seed, space=space)
    distances, positions = nearest(space, vectors[0], vectors, k=k)
    everything = space.between(vectors[0], vectors)
    np.testing.assert_array_equal(distances, np.sort(everything)[:k])
    np.testing.assert_array_equal(everything[positions], distances)
