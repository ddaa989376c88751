"""A thread that takes sound from a live source, and the newest samples that it took.

source ──▶ thread ──▶ resampler ──▶ ring ──▶ a caller that waits for a position
                                             (the main thread, which Ctrl-C can end)
"""

import threading
import time
from collections import deque

from embedder.audio.resampling import StreamResampler
from soundalike.live.ring import Floats, Ring
from soundalike.live.sources.source import Source

WAIT_SECONDS = 0.1
"""The longest that a wait lasts before it looks at the clock again."""


class Capture:
    """Sound of a source at another rate, as it comes."""

    def __init__(self, source: Source, sample_rate: int, *, ring_samples: int) -> None:
        self._source = source
        self._resampler = StreamResampler(from_rate=source.sample_rate, to_rate=sample_rate)
        self._ring = Ring(ring_samples)
        self._changed = threading.Condition()
        self._arrivals: deque[tuple[int, float]] = deque(maxlen=4096)
        self._last_arrival = time.monotonic()
        self._has_ended = False
        self._error: BaseException | None = None
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="soundalike-source", daemon=True)

    def start(self) -> None:
        """Begin to take sound."""
        self._last_arrival = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Stop the source. Its thread is not waited for long: a pipe may never answer."""
        self._is_stopped = True
        self._source.close()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def wait_for(self, position: int) -> int:
        """Wait until the sample before `position` is there; the position of the stream's end now.

        It is lower than `position` only if the source has ended. Raises the source's own error, or
        that of a stalled source.
        """
        with self._changed:
            while self._ring.end < position and not self._has_ended:
                self._changed.wait(WAIT_SECONDS)
                silent_seconds = time.monotonic() - self._last_arrival
                patience = self._source.patience_seconds
                if patience is not None and silent_seconds > patience and not self._has_ended:
                    raise self._source.stalled()
            if self._error is not None and self._ring.end < position:
                raise self._error
            return self._ring.end

    def read(self, first: int, end: int) -> tuple[Floats, float]:
        """The samples [first, end), and when the last of them arrived."""
        with self._changed:
            samples = self._ring.read(max(first, self._ring.first), end)
            arrived_at = next((at for upto, at in self._arrivals if upto >= end), time.monotonic())
        return samples, arrived_at

    def _run(self) -> None:
        try:
            for block in self._source.blocks():
                if self._is_stopped:
                    return
                self._append(self._resampler.feed(block))
            self._append(self._resampler.finish())
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            self._error = error
        finally:
            with self._changed:
                self._has_ended = True
                self._changed.notify_all()

    def _append(self, samples: Floats) -> None:
        with self._changed:
            self._last_arrival = time.monotonic()
            if len(samples):
                self._ring.append(samples)
                self._arrivals.append((self._ring.end, self._last_arrival))
                self._changed.notify_all()
