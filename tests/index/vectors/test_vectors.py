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
    SPACES,
    by_hand,
    clustered,
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
