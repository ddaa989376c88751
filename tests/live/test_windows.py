"""From blocks of any length to windows on a grid; too slow a reader gets the newest."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.errors import BadInput
from soundalike.live.ring import Ring
from soundalike.live.windows import WindowGrid, Windows
from tests.live.sounds import ArraySource

GRID = WindowGrid(sample_rate=100, window_samples=20, hop_samples=5)


def counting(n_samples: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.arange(n_samples, dtype=np.float32)


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 30))
def test_a_ring_holds_the_newest_samples(sizes: list[int], capacity: int) -> None:
    """Whatever the blocks are, the ring reads as the end of the stream."""
    ring, stream = Ring(capacity), counting(sum(sizes))
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        ring.append(stream[end - size : end])
    assert ring.end == len(stream)
    np.testing.assert_array_equal(ring.read(ring.first, ring.end), stream[-capacity:])


def test_a_ring_refuses_what_it_no_longer_has() -> None:
    """Samples that gave way are not read as others."""
    ring = Ring(10)
    ring.append(counting(25))
    with pytest.raises(ValueError, match=r"\[14, 20\) is not in \[15, 25\)"):
        ring.read(14, 20)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_windows_do_not_depend_on_blocks(sizes: list[int]) -> None:
    """A source at full speed gives every window of the grid, however its blocks are cut."""
    stream = counting(sum(sizes))
    blocks = np.split(stream, np.cumsum(sizes)[:-1])
    windows = Windows(ArraySource(blocks, sample_rate=100), GRID)
    ends = [round(window.end_seconds * 100) for window in windows]
    expected_ends = list(range(20, len(stream) + 1, 5)) or [len(stream)]
    assert ends == expected_ends
    for window, end in zip(Windows(ArraySource(blocks, sample_rate=100), GRID), ends, strict=True):
        np.testing.assert_array_equal(window.samples, stream[max(end - 20, 0) : end])
    assert windows.end_seconds == pytest.approx(len(stream) / 100)


def test_a_slow_reader_gets_the_newest_window() -> None:
    """Of a live source, windows that come too late are counted and left out."""
    source = ArraySource([counting(30), counting(40)], sample_rate=100, is_live=True)
    windows = iter(Windows(source, GRID))
    time.sleep(0.1)
    first = next(windows)
    left = [first.n_left_out, *(window.n_left_out for window in windows)]
    assert first.end_seconds in (0.2, 0.7)
    assert sum(left) + len(left) == 11, "every window is given or counted"


def test_a_live_window_knows_when_it_arrived() -> None:
    """Latency counts from the arrival of the window's last sample."""
    before = time.monotonic()
    (window,) = Windows(ArraySource([counting(22)], sample_rate=100, is_live=True), GRID)
    assert before <= window.arrived_at <= time.monotonic()


def test_an_error_of_the_source_comes_after_its_sound() -> None:
    """What arrived before a device was unplugged is still used."""
    source = ArraySource([counting(25)], sample_rate=100, is_live=True, error=BadInput("unplugged"))
    windows = iter(Windows(source, GRID))
    assert next(windows).end_seconds == pytest.approx(0.25)
    with pytest.raises(BadInput, match="unplugged"):
        next(windows)
    assert source.closed.is_set()


def test_a_stalled_source_ends_with_its_message() -> None:
    """A source that gives nothing for too long is an error and no hang."""
    source = ArraySource([counting(10)], sample_rate=100, is_live=True, stalls=True)
    with pytest.raises(BadInput, match="it stalled"):
        list(Windows(source, GRID))
