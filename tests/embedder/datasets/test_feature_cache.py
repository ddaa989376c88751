"""The feature cache returns what is stored, also with several writers, and keeps its size limit."""

import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy
from numpy.typing import NDArray

from embedder.datasets.feature_cache import FeatureCache, digest_of_array, digest_of_settings
from embedder.datasets.stored_levels import pack_levels, unpack_levels
from embedder.errors import ConfigError
from tests.embedder.datasets.cache_hammer import hammer, values

ENTRY_BYTES = 4096 + 1000


def only_entry(folder: Path) -> Path:
    (entry,) = folder.glob("*/*.features")
    return entry


@settings(deadline=None, max_examples=40)
@given(
    array=hypothesis_numpy.arrays(
        dtype=st.sampled_from([np.uint8, np.float16, np.float32]),
        shape=hypothesis_numpy.array_shapes(min_dims=1, max_dims=3, max_side=8),
    )
)
def test_what_is_put_comes_out(
    tmp_path_factory: pytest.TempPathFactory, array: NDArray[np.float32]
) -> None:
    """An array is returned with its type, shape and bytes."""
    cache = FeatureCache(tmp_path_factory.mktemp("cache"), "front-end")
    cache.put("abc", array)
    cached = cache.get("abc")
    assert cached is not None
    assert (cached.dtype, cached.shape) == (array.dtype, array.shape)
    assert cached.tobytes() == array.tobytes()


def test_another_front_end_finds_nothing(tmp_path: Path) -> None:
    """Entries of other settings are not returned."""
    FeatureCache(tmp_path, digest_of_settings({"n_bins": 64})).put("abc", values(0))
    assert FeatureCache(tmp_path, digest_of_settings({"n_bins": 65})).get("abc") is None


def test_arrays_are_mapped_and_cannot_be_changed(tmp_path: Path) -> None:
    """The file is mapped read-only, so that no reader can change the cache."""
    cache = FeatureCache(tmp_path, "front-end")
    cache.put("abc", values(0))
    cached = cache.get("abc")
    assert isinstance(cached, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        cached[0] = 1


def test_computes_once(tmp_path: Path) -> None:
    """The second request is read from disk."""
    cache = FeatureCache(tmp_path, "front-end")
    calls: list[int] = []

    def compute() -> NDArray[np.uint8]:
        calls.append(1)
        return values(0)

    first, second = (cache.get_or_compute("abc", compute) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (len(calls), cache.counts.hits, cache.counts.misses) == (1, 1, 1)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_damage_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """After any flipped byte or cut, no wrong array is returned."""
    cache = FeatureCache(tmp_path_factory.mktemp("cache"), "front-end")
    array = values(1, size=200)
    cache.put("abc", array)
    entry = only_entry(cache.folder)
    content = bytearray(entry.read_bytes())
    if data.draw(st.booleans(), label="cut"):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        header = bytes(content).rstrip(b"\n").find(b"}")
        places = st.one_of(st.integers(0, header), st.integers(4096, len(content) - 1))
        content[data.draw(places)] ^= 1 << data.draw(st.integers(0, 7))
    entry.write_bytes(content)
    cached = cache.get_or_compute("abc", lambda: array)
    np.testing.assert_array_equal(cached, array)
    again = cache.get("abc")
    assert again is not None
    np.testing.assert_array_equal(again, array)


@settings(deadline=None, max_examples=20)
@given(
    room=st.integers(1, 6),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=40),
)
def test_bound_holds_after_every_step(
    tmp_path_factory: pytest.TempPathFactory, room: int, steps: list[tuple[bool, int]]
) -> None:
    """After any sequence of requests, the cache is within its limit and its arrays are right."""
    cache = FeatureCache(
        tmp_path_factory.mktemp("cache"), "front-end", max_bytes=room * ENTRY_BYTES
    )
    for is_put, number in steps:
        if is_put:
            cache.put(f"{number:02d}", values(number))
        elif (cached := cache.get(f"{number:02d}")) is not None:
            np.testing.assert_array_equal(cached, values(number))
        assert cache.stored_bytes() <= cache.max_bytes


def test_least_recently_used_goes_first(tmp_path: Path) -> None:
    """The entry that was read stays, and the unused entry is removed."""
    cache = FeatureCache(tmp_path, "front-end", max_bytes=3 * ENTRY_BYTES)
    for age, number in enumerate((0, 1, 2)):
        cache.put(f"{number:02d}", values(number))
        path = next(tmp_path.glob(f"*/{number:02d}-*"))
        os.utime(path, ns=(age * 10**9, age * 10**9))
    assert cache.get("00") is not None  # now the youngest
    cache.put("03", values(3))
    assert cache.get("01") is None
    assert cache.get("00") is not None
    assert cache.counts.evicted >= 1


def test_array_outlives_its_eviction(tmp_path: Path) -> None:
    """An array in use stays valid when its entry is removed."""
    cache = FeatureCache(tmp_path, "front-end", max_bytes=ENTRY_BYTES)
    cache.put("00", values(0))
    cached = cache.get("00")
    cache.put("01", values(1))
    assert cache.get("00") is None
    np.testing.assert_array_equal(cached, values(0))


def test_too_large_an_entry_is_not_kept(tmp_path: Path) -> None:
    """An array above the limit is returned, not stored, and evicts nothing."""
    cache = FeatureCache(tmp_path, "front-end", max_bytes=2 * ENTRY_BYTES)
    cache.put("00", values(0))
    large = values(1, size=3 * ENTRY_BYTES)
    np.testing.assert_array_equal(cache.get_or_compute("01", lambda: large), large)
    assert cache.get("00") is not None
    assert cache.get("01") is None


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path) -> None:
    """An old partial file is removed; a new one may belong to a running writer and stays."""
    cache = FeatureCache(tmp_path, "front-end")
    (tmp_path / "00").mkdir()
    old, fresh = tmp_path / "00" / "x.old.partial", tmp_path / "00" / "x.fresh.partial"
    old.write_bytes(b"half")
    fresh.write_bytes(b"half")
    os.utime(old, (0, 0))
    cache.put("00", values(0))
    assert (old.exists(), fresh.exists()) == (False, True)


def test_bound_must_hold_something() -> None:
    """A limit of 0 bytes is refused."""
    with pytest.raises(ConfigError, match="0 bytes can hold nothing"):
        FeatureCache(Path("unused"), "front-end", max_bytes=0)


def test_several_processes_share_a_cache(tmp_path: Path) -> None:
    """Four processes that read, write and evict at once never see a wrong or partial entry."""
    room = 6 * ENTRY_BYTES
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        answers = pool.starmap(hammer, [(tmp_path, seed, room) for seed in range(4)])
    assert answers == [0] * 4
    overshoot = 2 * (room // 64 + ENTRY_BYTES)
    assert FeatureCache(tmp_path, "front-end").stored_bytes() <= room + overshoot


def test_several_threads_share_a_cache(tmp_path: Path) -> None:
    """Threads never see a wrong or partial entry."""
    wrong: list[int] = []
    threads = [
        threading.Thread(target=lambda seed=seed: wrong.append(hammer(tmp_path, seed, 40_000)))
        for seed in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [0] * 4


def test_digest_of_an_array_sees_shape_and_type() -> None:
    """Equal bytes with another shape or type have another digest."""
    array = values(0, size=16)
    views: list[NDArray[Any]] = [array, array.reshape(4, 4), array.view(np.float16)]
    assert len({digest_of_array(view) for view in views}) == 3


@given(level=st.integers(0, 255))
def test_whole_255ths_are_exact(level: int) -> None:
    """Levels that come from 8 bits are stored in 8 bits exactly."""
    levels = np.array([level], dtype=np.float32) / np.float32(255)
    packed = pack_levels(levels, "uint8")
    assert packed[0] == level
    np.testing.assert_allclose(unpack_levels(torch.from_numpy(packed)).numpy(), levels, atol=1e-7)


@settings(max_examples=30)
@given(levels=hypothesis_numpy.arrays(np.float32, 20, elements=st.floats(0, 1, width=32)))
def test_packing_is_near(levels: NDArray[np.float32]) -> None:
    """8 bits are right to half a step, and 16-bit floats to a thousandth."""
    for stored_as, tolerance in (("uint8", 0.5 / 255 + 1e-6), ("float16", 5e-4)):
        unpacked = unpack_levels(torch.from_numpy(pack_levels(levels, stored_as)))  # type: ignore[arg-type]  # both are names of a type
        np.testing.assert_allclose(unpacked.numpy(), levels, atol=tolerance)


def test_a_disk_that_takes_nothing_costs_the_cache_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """If nothing can be stored, arrays are still computed, with one warning."""
    (tmp_path / "cache").mkdir()
    for number in range(256):  # where folders would have to be made
        (tmp_path / "cache" / f"{number:02x}").touch()
    cache = FeatureCache(tmp_path / "cache", "0" * 16)
    for number in range(3):
        array = np.full((2, 2), number, np.uint8)
        cached = cache.get_or_compute(digest_of_array(array), lambda array=array: array)
        assert (cached == number).all()
    assert len([r for r in caplog.records if "cannot be stored" in r.message]) == 1
    with pytest.raises(ConfigError, match=r"Set dataset\.cache_dir"):
        FeatureCache(tmp_path / "cache" / "00", "0" * 16)
