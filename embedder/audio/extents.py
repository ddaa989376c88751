"""Spans of a file in samples, and the runs of consecutive samples that hold them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from embedder.audio.frames import Run
from embedder.audio.records import Span
from embedder.audio.resampling import margin_samples

MERGED_GAP_SECONDS = 0.5
"""Decoding a short gap is cheaper than another seek."""


@dataclass(frozen=True, slots=True)
class Extent:
    """A span in samples: `n_native` from `first` in the file, `n_samples` at the span's rate."""

    first: int
    n_native: int
    n_samples: int
    rate: int
    margin: int

    @classmethod
    def of(cls, span: Span, native: int) -> Self:
        """A span of a file with this rate."""
        rate = span.sample_rate or native
        return cls(
            first=round(span.start_seconds * native),
            n_native=round(span.seconds * native),
            n_samples=round(span.seconds * rate),
            rate=rate,
            margin=margin_samples(from_rate=native, to_rate=rate),
        )

    @property
    def begin(self) -> int:
        """Where its margin begins."""
        return self.first - self.margin

    @property
    def end(self) -> int:
        """Where its margin ends."""
        return self.first + self.n_native + self.margin


def merged(extents: Sequence[Extent], native_rate: int) -> list[Run]:
    """The runs that hold some extents, sorted, more than half a second apart."""
    max_gap = round(MERGED_GAP_SECONDS * native_rate)
    joined: list[tuple[int, int]] = []
    for first, end in sorted({(extent.begin, extent.end) for extent in extents}):
        if joined and first - joined[-1][1] <= max_gap:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return [Run(first, end - first) for first, end in joined]


def run_of(extent: Extent, runs: Sequence[Run]) -> Run:
    """The run that holds an extent."""
    return next(run for run in runs if run.end >= extent.end and run.first <= extent.begin)
