"""From a source to windows of its sound, on one grid of times.

    sound     |---------------------------------------------▶ time
    windows   [ window 0 ]
                  [ window 1 ]
                      [ window 2 ]        each ends one hop after the one before

A source at full speed gives every window. A live one gives the newest: windows that would come too
late are left out and counted, so that answers never fall behind.
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from embedder.audio.resampling import StreamResampler
from soundalike.live.capture import Capture
from soundalike.live.levels import level_db
from soundalike.live.ring import Floats, Ring
from soundalike.live.sources.source import Source

SLACK_SECONDS = 1.0
"""How much older than a window the ring's samples may get while one is read."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A window of sound. samples: float32 [samples], mono"""

    samples: Floats
    sample_rate: int
    end_seconds: float
    """Of its last sample, since the stream began."""
    level: float
    """Of its newest hop, in decibels below full scale."""
    arrived_at: float
    """When its last sample was there, on the monotonic clock."""
    n_left_out: int = 0
    """Windows that were left out just before it."""


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """Where windows end, in samples."""

    sample_rate: int
    window_samples: int
    hop_samples: int

    @classmethod
    def of_seconds(
        cls, window_seconds: float, hop_seconds: float, *, sample_rate: int
    ) -> "WindowGrid":
        """The grid at a sample rate."""
        window, hop = round(window_seconds * sample_rate), round(hop_seconds * sample_rate)
        return cls(sample_rate, max(window, 1), max(hop, 1))

    def end_of(self, number: int) -> int:
        """The position after window `number`'s last sample; the first is number 0."""
        return self.window_samples + number * self.hop_samples

    def newest(self, end: int) -> int:
        """The number of the last window that is complete at position `end`."""
        return (end - self.window_samples) // self.hop_samples

    def window(
        self, samples: Floats, end: int, *, arrived_at: float, n_left_out: int = 0
    ) -> Window:
        """The window that ends at `end`; its `samples` may be fewer at a stream's beginning."""
        level = level_db(samples[-self.hop_samples :])
        return Window(
            samples, self.sample_rate, end / self.sample_rate, level, arrived_at, n_left_out
        )


class Windows:
    """The windows of a source at `grid.sample_rate`."""

    def __init__(self, source: Source, grid: WindowGrid) -> None:
        self._source = source
        self.grid = grid
        self.end_seconds = 0.0
        """How much sound there was, once the windows have ended."""

    def __iter__(self) -> Generator[Window, None, None]:
        """The windows; the source is closed when they end or are no longer wanted."""
        return self._newest() if self._source.is_live else self._every()

    def _every(self) -> Generator[Window, None, None]:
        grid = self.grid
        ring = Ring(grid.window_samples)
        number = 0
        try:
            for block in self._resampled():
                first = 0
                while first < len(block):
                    n_wanted = grid.end_of(number) - ring.end
                    piece = block[first : first + n_wanted]
                    ring.append(piece)
                    first += len(piece)
                    self.end_seconds = ring.end / grid.sample_rate
                    if ring.end == grid.end_of(number):
                        number += 1
                        yield self._of_ring(ring.read, ring.end)
            if number == 0 and ring.end:
                yield self._of_ring(ring.read, ring.end)
        finally:
            self._source.close()

    def _of_ring(self, read: Callable[[int, int], Floats], end: int) -> Window:
        samples = read(max(end - self.grid.window_samples, 0), end)
        return self.grid.window(samples, end, arrived_at=time.monotonic())

    def _resampled(self) -> Iterator[Floats]:
        resampler = StreamResampler(
            from_rate=self._source.sample_rate, to_rate=self.grid.sample_rate
        )
        for block in self._source.blocks():
            yield resampler.feed(block)
        yield resampler.finish()

    def _newest(self) -> Generator[Window, None, None]:
        grid = self.grid
        n_slack = grid.hop_samples + round(SLACK_SECONDS * grid.sample_rate)
        capture = Capture(
            self._source, grid.sample_rate, ring_samples=grid.window_samples + n_slack
        )
        number = 0
        capture.start()
        try:
            while True:
                end = capture.wait_for(grid.end_of(number))
                self.end_seconds = end / grid.sample_rate
                if end < grid.end_of(number):
                    break
                newest = max(grid.newest(end), number)
                yield self._captured(capture, grid.end_of(newest), n_left_out=newest - number)
                number = newest + 1
            if number == 0 and end:
                yield self._captured(capture, end)
        finally:
            capture.stop()

    def _captured(self, capture: Capture, end: int, *, n_left_out: int = 0) -> Window:
        first = max(end - self.grid.window_samples, 0)
        samples, arrived_at = capture.read(first, end)
        return self.grid.window(samples, end, arrived_at=arrived_at, n_left_out=n_left_out)
