"""The positions of a track's excerpts, and reading them from its file.

For inference they lie on a fixed grid, so that a file always gives the same vector; for training
a seeded generator draws them. A track shorter than an excerpt is repeated until it fills one, or
refused if the settings say so: silence would pull the mean towards silent music, and a seam lasts
only one frame. A track shorter than the whole grid gets as few excerpts as cover it.

A combined model (`ExcerptConfig.members`) reads each encoder's own excerpts, at its own rate. They
stand side by side in a row, one row for the whole track if the encoders read different excerpts:

    | excerpts of encoder 1 … | excerpts of encoder 2 … |    zeros where a short track has none
"""

import itertools
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.records import Pieces, Sides, Span
from embedder.audio.starts import grid_starts, random_starts
from embedder.config.model import ExcerptConfig, MemberExcerpts
from embedder.errors import AudioTooShort, SilentAudio, UsageError

SILENCE_PEAK = 1e-4
"""-80 dB below full scale: anything quieter counts as silence."""
_SLACK_SECONDS = 0.05
"""A part may reach this far beyond the end of a file, because lengths are shown rounded."""


@dataclass(frozen=True, slots=True)
class Excerpts:
    """The excerpts of one track.

    samples: float32 [excerpts, samples]
    """

    samples: NDArray[np.float32]
    sample_rate: int
    starts_seconds: tuple[float, ...]
    duration_seconds: float
    """Of the whole track."""
    excerpt_seconds: float
    """From the beginning of an excerpt to its end; of different excerpts in a row, the longest."""
    n_read: tuple[int, ...]
    """How many samples of each excerpt the track has; the rest of the excerpt repeats them."""
    firsts: tuple[tuple[float, int], ...] = ()
    """Of a combined model: where each encoder's first excerpt starts, and its `n_read`."""
    sides: Sides | None = None
    """Of the excerpt of `sides_of` seconds; None for mono."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Excerpts at a rate: those of a model, or of one encoder of a combined model."""

    excerpts: ExcerptConfig
    sample_rate: int
    with_sides: bool = False

    def n_samples(self, native_rate: int) -> int:
        """Of an excerpt, in a file of that rate."""
        return round(self.excerpts.excerpt_seconds * (self.sample_rate or native_rate))

    def spans(
        self,
        path: Path,
        first_seconds: float,
        part_seconds: float,
        *,
        generator: np.random.Generator | None = None,
    ) -> list[Span]:
        """The spans to read of a part of a track, which begins at `first_seconds`."""
        _refuse_short(path, part_seconds, self.excerpts)
        if generator is None:
            starts = grid_starts(part_seconds, self.excerpts)
        else:
            starts = random_starts(part_seconds, self.excerpts, generator=generator)
        length = self.excerpts.excerpt_seconds
        return [
            Span(first_seconds + start, length, self.sample_rate, self.with_sides)
            for start in starts
        ]


def load_excerpts(
    path: Path,
    config: ExcerptConfig,
    *,
    sample_rate: int = 0,
    start_seconds: float | None = None,
    seconds: float | None = None,
    generator: np.random.Generator | None = None,
    sides_of: float = 0.0,
) -> Excerpts:
    """Decode only the excerpts of one track.

    `start_seconds` and `seconds` limit the excerpts to a part of the track. With a `generator`
    they are random. `sample_rate` 0 keeps the file's own rate. A single excerpt of `sides_of`
    seconds is read with its `sides`.
    """
    # A process that only asks a child to decode need not import PyAV.
    from embedder.audio.decoding import read_pieces

    _check_part(start_seconds, seconds)
    part_seconds = math.inf
    readings = [
        replace(reading, with_sides=reading.excerpts.excerpt_seconds == sides_of)
        for reading in readings_of(config, sample_rate)
    ]
    planned: list[list[Span]] = []

    def plan(duration_seconds: float) -> list[Span]:
        nonlocal part_seconds
        first, part_seconds = _part(path, duration_seconds, start_seconds, seconds)
        planned[:] = [
            reading.spans(path, first, part_seconds, generator=generator) for reading in readings
        ]
        return list(itertools.chain.from_iterable(planned))

    pieces = read_pieces(path, plan)
    return assembled(pieces, config, list(map(len, planned)), part_seconds, sample_rate=sample_rate)


def assembled(
    pieces: Pieces,
    config: ExcerptConfig,
    counts: list[int],
    part_seconds: float,
    *,
    sample_rate: int,
) -> Excerpts:
    """The excerpts of a model from pieces of a track; `counts`: how many each reading has."""
    n_read = [
        min(n, round(part_seconds * (span.sample_rate or pieces.native_rate)))
        for n, span in zip(pieces.n_read, pieces.spans, strict=True)
    ]
    filled = [
        _filled(samples, n) if n > 0 else samples
        for samples, n in zip(pieces.samples, n_read, strict=True)
    ]
    if config.members:
        return _side_by_side(filled, n_read, pieces, config, counts)
    rows = [row for row, n in enumerate(n_read) if n > 0]
    return Excerpts(
        samples=np.stack([filled[row] for row in rows]),
        sample_rate=sample_rate or pieces.native_rate,
        starts_seconds=tuple(pieces.spans[row].start_seconds for row in rows),
        duration_seconds=pieces.duration_seconds,
        excerpt_seconds=config.excerpt_seconds,
        n_read=tuple(n_read[row] for row in rows),
        sides=pieces.sides,
    )


def row_layout(config: ExcerptConfig, native_rate: int) -> list[tuple[int, int]]:
    """A row of a combined model: for each encoder, how many excerpts of how many samples."""
    return [
        (reading.excerpts.n_excerpts // config.n_excerpts, reading.n_samples(native_rate))
        for reading in readings_of(config, 0)
    ]


def readings_of(config: ExcerptConfig, sample_rate: int) -> list[Reading]:
    """What is read of a track: for a combined model, the excerpts of each encoder."""
    if not config.members:
        return [Reading(config, sample_rate)]
    return [Reading(_excerpts_of(member), member.sample_rate) for member in config.members]


def _excerpts_of(member: MemberExcerpts) -> ExcerptConfig:
    return ExcerptConfig(
        n_excerpts=member.n_excerpts,
        excerpt_seconds=member.excerpt_seconds,
        placement=member.placement,
        when_short=member.when_short,
        min_seconds=member.min_seconds,
    )


def _side_by_side(
    filled: list[NDArray[np.float32]],
    n_read: list[int],
    pieces: Pieces,
    config: ExcerptConfig,
    counts: list[int],
) -> Excerpts:
    """The encoders' excerpts in rows; `counts`: how many each encoder has in this track."""
    n_rows = 1 if config.n_excerpts == 1 else counts[0]
    parts = []
    first = 0
    for count, (n_parts, n_samples) in zip(
        counts, row_layout(config, pieces.native_rate), strict=True
    ):
        part = np.zeros((n_rows * n_parts, n_samples), dtype=np.float32)
        for row, samples in enumerate(filled[first : first + count]):
            part[row] = samples
        parts.append(part.reshape(n_rows, -1))
        first += count
    starts = [span.start_seconds for span in pieces.spans]
    longest = max(pieces.spans, key=lambda span: span.seconds)
    is_whole = n_rows == 1
    firsts = list(itertools.accumulate(counts[:-1], initial=0))
    return Excerpts(
        samples=np.concatenate(parts, axis=1),
        sample_rate=pieces.native_rate,
        starts_seconds=(longest.start_seconds,) if is_whole else tuple(starts[:n_rows]),
        duration_seconds=pieces.duration_seconds,
        excerpt_seconds=longest.seconds if is_whole else config.excerpt_seconds,
        n_read=(sum(part.shape[1] for part in parts),) * n_rows,
        firsts=tuple((starts[number], n_read[number]) for number in firsts),
        sides=pieces.sides,
    )


def audible(path: Path, excerpts: Excerpts) -> Excerpts:
    """The excerpts that are not silent; silent ones would pull every mean in one direction."""
    is_audible = np.abs(excerpts.samples).max(axis=1) >= SILENCE_PEAK
    if not is_audible.any():
        raise SilentAudio(path, "digital silence: there is no sound in it")
    if is_audible.all():
        return excerpts
    rows = np.flatnonzero(is_audible).tolist()
    return replace(
        excerpts,
        samples=excerpts.samples[rows],
        starts_seconds=tuple(excerpts.starts_seconds[row] for row in rows),
        n_read=tuple(excerpts.n_read[row] for row in rows),
    )


def _check_part(start_seconds: float | None, seconds: float | None) -> None:
    if start_seconds is not None and not 0 <= start_seconds < math.inf:
        raise UsageError(f"a part cannot start at {start_seconds:g} s: give 0 or more")
    if seconds is not None and not 0 < seconds < math.inf:
        raise UsageError(f"a part cannot be {seconds:g} s long: give more than 0")


def _part(
    path: Path, duration_seconds: float, start_seconds: float | None, seconds: float | None
) -> tuple[float, float]:
    """(start, length) of the part of a track in which excerpts may lie."""
    first = start_seconds or 0.0
    rest = duration_seconds - first
    if rest <= 0:
        raise AudioTooShort(
            path, f"it is {duration_seconds:.1f} s long; there is nothing at {first:g} s"
        )
    if seconds is None:
        return first, rest
    if seconds > rest + _SLACK_SECONDS:
        raise AudioTooShort(
            path,
            f"it is {duration_seconds:.1f} s long; the part from {first:g} s to "
            f"{first + seconds:g} s reaches beyond its end",
        )
    return first, min(seconds, rest)


def _refuse_short(path: Path, part_seconds: float, config: ExcerptConfig) -> None:
    if part_seconds < config.min_seconds:
        raise AudioTooShort(
            path,
            f"{part_seconds:.2f} s of audio, need at least {config.min_seconds:g} s. "
            "Lower min_seconds or leave the file out.",
        )
    if config.when_short == "refuse" and part_seconds < config.excerpt_seconds - _SLACK_SECONDS:
        raise AudioTooShort(
            path,
            f"{part_seconds:.2f} s of audio, an excerpt has {config.excerpt_seconds:g} s. "
            "Lower excerpt_seconds or set when_short to 'pad'.",
        )


def _filled(samples: NDArray[np.float32], n_samples: int) -> NDArray[np.float32]:
    """The first `n_samples` of `samples: float32 [samples]`, repeated to the full length."""
    return samples if n_samples >= len(samples) else np.resize(samples[:n_samples], len(samples))
