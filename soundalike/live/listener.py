"""Listening: windows of a source in, an answer for each out.

    source ─▶ windows ─▶ encoder ─▶ labeller ─▶ mean over time ─▶ Heard
                            │                                       ▲
                            └──────────▶ nearest tracks ────────────┘

A source at full speed is encoded on all cores; a live one on one core, so that the rest of the
machine stays free.
"""

import math
import time
from collections import deque
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import TrackEncoding
from embedder.encoding.threads import map_in_threads, usable_cores
from embedder.errors import SilentAudio, UsageError
from index.search.results import Neighbour
from soundalike.live.heard import UNKNOWN, Heard, ListenSummary
from soundalike.live.labellers import Labeller, NearestTracks
from soundalike.live.levels import audible_part, widened
from soundalike.live.settings import ListenSettings
from soundalike.live.smoothing import MovingMean, Values
from soundalike.live.sources.source import Source
from soundalike.live.windows import Window, WindowGrid, Windows

LEAST_OF_SEVERAL = 0.5
"""A tag is named if it is more probable than not."""
MAX_LATENCIES = 4096
"""The summary's latencies are those of the newest windows: memory must not grow."""


@dataclass(frozen=True, slots=True, eq=False)
class _Encoded:
    """A window and its encodings; they are None in silence."""

    window: Window
    encoding: TrackEncoding | None = None
    near_encoding: TrackEncoding | None = None
    """By the model of the library, if that is another."""
    first: int = 0
    end: int = 0
    """Where its sound is, in samples of the window."""

    @property
    def extent_seconds(self) -> tuple[float, float]:
        """When its sound begins and ends, since the stream began."""
        window = self.window
        start = window.end_seconds - len(window.samples) / window.sample_rate
        first, end = self.first / window.sample_rate, self.end / window.sample_rate
        return round(start + first, 6), round(start + end, 6)


class Listener:
    """One run over a source; `heard` gives the answers, `summary` the figures."""

    def __init__(
        self,
        source: Source,
        labeller: Labeller,
        *,
        settings: ListenSettings | None = None,
        nearest: NearestTracks | None = None,
    ) -> None:
        self.source = source
        self.labeller = labeller
        self.settings = settings or ListenSettings()
        self._nearest = nearest
        encoder = labeller.encoder
        check_window(encoder, self.settings.window_seconds)
        self.hop_seconds = self.settings.hop_for(is_live=source.is_live)
        rate = encoder.model.sample_rate or source.sample_rate
        grid = WindowGrid.of_seconds(
            self.settings.window_seconds, self.hop_seconds, sample_rate=rate
        )
        self._windows = Windows(source, grid)
        self._n_smoothed = self.settings.n_smoothed(self.hop_seconds)
        self._n_windows = self._n_silent = self._n_left_out = 0
        self._latencies: deque[float] = deque(maxlen=MAX_LATENCIES)
        self._began = time.monotonic(), time.process_time()

    @property
    def lag_seconds(self) -> float:
        """How far the middle of an answer's sound lies before the answer's time."""
        return (self.settings.window_seconds + (self._n_smoothed - 1) * self.hop_seconds) / 2

    @property
    def end_seconds(self) -> float:
        """How much sound there was so far."""
        return self._windows.end_seconds

    def heard(self) -> Generator[Heard, None, None]:
        """An answer for each window, until the source ends. It may be called once."""
        if self.source.is_live:
            self._warm_up()
        self._began = time.monotonic(), time.process_time()
        smoothed = MovingMean(self._n_smoothed)
        with self.labeller.encoder.on_one_core(), closing(self._encoded()) as encoded_windows:
            for encoded in encoded_windows:
                yield self._answer(encoded, smoothed)

    def summary(self) -> ListenSummary:
        """The figures of the run so far."""
        elapsed = max(time.monotonic() - self._began[0], 1e-9)
        latencies = np.array(self._latencies)
        middle, high = (
            np.percentile(latencies, [50, 95]).tolist() if len(latencies) else (None, None)
        )
        return ListenSummary(
            seconds=self.end_seconds,
            n_windows=self._n_windows,
            n_silent=self._n_silent,
            n_left_out=self._n_left_out,
            latency_seconds=middle,
            latency95_seconds=high,
            core_share=(time.process_time() - self._began[1]) / elapsed,
            is_live=self.source.is_live,
            elapsed_seconds=elapsed,
        )

    def _encoded(self) -> Generator[_Encoded, None, None]:
        windows = iter(self._windows)
        try:
            if self.source.is_live:
                yield from map(self._encode, windows)
            else:
                yield from map_in_threads(
                    self._encode,
                    windows,
                    workers=usable_cores(),
                    start_thread=self.labeller.encoder.start_thread,
                )
        finally:
            windows.close()

    def _warm_up(self) -> None:
        """Answer a window of noise, because a model's first answer takes longer than others."""
        grid = self._windows.grid
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, grid.window_samples)
        encoded = self._encode(grid.window(noise.astype(np.float32), 0, arrived_at=0.0))
        if encoded.encoding is not None:
            self.labeller.probabilities(encoded.encoding)
        if self._nearest is not None and encoded.near_encoding is not None:
            self._nearest.neighbours(encoded.near_encoding)

    def _encode(self, window: Window) -> _Encoded:
        samples, rate = window.samples, window.sample_rate
        encoder = self.labeller.encoder
        part = audible_part(samples, rate, silence_db=self.settings.silence_db)
        if part is None:
            return _Encoded(window)
        n_least = math.ceil(encoder.config.excerpts.min_seconds * rate)
        sound = samples[widened(part, n_least, n_samples=len(samples))]
        try:
            encoding = encoder.encode_waveform(sound, rate, name=self.source.name)
            near_encoding = encoding
            if self._nearest is not None and self._nearest.encoder is not encoder:
                near_encoding = self._nearest.encode(sound, rate, name=self.source.name)
        except SilentAudio:
            return _Encoded(window)
        return _Encoded(window, encoding, near_encoding, part.start, part.stop)

    def _answer(self, encoded: _Encoded, smoothed: MovingMean) -> Heard:
        window = encoded.window
        self._n_windows += 1
        self._n_left_out += window.n_left_out
        if encoded.encoding is None:
            self._n_silent += 1
            smoothed.clear()
            return self._silence(window)
        chances = smoothed.add(self.labeller.probabilities(encoded.encoding))
        neighbours: tuple[Neighbour, ...] = ()
        if self._nearest is not None and encoded.near_encoding is not None:
            neighbours = self._nearest.neighbours(encoded.near_encoding)
        label, labels, probability = self._named(chances)
        begins_seconds, ends_seconds = encoded.extent_seconds
        return Heard(
            seconds=window.end_seconds,
            field=self.labeller.field,
            label=label,
            labels=labels,
            probability=probability,
            probabilities=dict(zip(self.labeller.labels, chances.tolist(), strict=True)),
            neighbours=neighbours,
            level=window.level,
            silence=False,
            latency_seconds=self._latency(window),
            begins_seconds=begins_seconds,
            ends_seconds=ends_seconds,
            n_left_out=window.n_left_out,
        )

    def _silence(self, window: Window) -> Heard:
        return Heard(
            seconds=window.end_seconds,
            field=self.labeller.field,
            label=None,
            labels=(),
            probability=None,
            probabilities={},
            neighbours=(),
            level=window.level,
            silence=True,
            latency_seconds=self._latency(window),
            n_left_out=window.n_left_out,
        )

    def _latency(self, window: Window) -> float:
        latency = time.monotonic() - window.arrived_at
        self._latencies.append(latency)
        return latency

    def _named(self, chances: Values) -> tuple[str, tuple[str, ...], float]:
        """The label, all labels that are named, and the label's probability."""
        names, threshold = self.labeller.labels, self.settings.threshold
        best = int(np.argmax(chances))
        probability = float(chances[best])
        is_known = probability >= threshold
        if self.labeller.has_several:
            least = max(threshold, LEAST_OF_SEVERAL)
            labels = tuple(names[place] for place in np.flatnonzero(chances >= least).tolist())
        else:
            labels = (names[best],) if is_known else ()
        return names[best] if is_known else UNKNOWN, labels, probability


def check_window(encoder: TrackEncoder, window_seconds: float) -> None:
    """Refuse a window that is too short for a model."""
    config = encoder.config.excerpts
    least = config.excerpt_seconds if config.when_short == "refuse" else config.min_seconds
    if window_seconds < least:
        raise UsageError(
            f"window = {window_seconds:g}: the model {encoder.model.name} needs at least "
            f"{least:g} seconds"
        )
