"""The positions of a track's excerpts, and reading them from its file.

For inference they lie on a fixed grid, so that a file always gives the same vector; for training
a seeded generator draws them. A track shorter than an excerpt is repeated until it fills one, or
refused if the settings say so: silence would pull the mean towards silent music, and a seam lasts
only one frame. A track shorter than the whole grid gets as few excerpts as cover it.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.decoding import read_stretches
from embedder.audio.records import Waveform
from embedder.config.model import ExcerptConfig
from embedder.errors import AudioTooShort, SilentAudio, UnknownChoice, UsageError

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
    n_read: tuple[int, ...] = ()
    """How many samples of each excerpt the track has; the rest of the excerpt repeats them."""


def grid_starts(duration_seconds: float, config: ExcerptConfig) -> tuple[float, ...]:
    """Where the excerpts of a track start, in order; a short track has one, at 0."""
    length = config.excerpt_seconds
    room = duration_seconds - length
    if room <= 0:
        return (0.0,)
    n_covering = math.ceil(duration_seconds / length - 1e-9)
    n_excerpts = min(config.n_excerpts, n_covering)
    if n_excerpts == 1:
        return (0.0 if config.placement == "start" else room / 2,)
    block = n_excerpts * length
    if block >= duration_seconds:  # they overlap evenly and cover all samples
        return tuple(room * i / (n_excerpts - 1) for i in range(n_excerpts))
    gap = duration_seconds - block
    match config.placement:
        case "spread":
            gap /= n_excerpts + 1
            return tuple(gap + i * (length + gap) for i in range(n_excerpts))
        case "centre":
            return tuple(gap / 2 + i * length for i in range(n_excerpts))
        case "start":
            return tuple(i * length for i in range(n_excerpts))
        case _:
            raise UnknownChoice("placement", config.placement, ("spread", "centre", "start"))


def random_starts(
    duration_seconds: float, config: ExcerptConfig, *, generator: np.random.Generator
) -> tuple[float, ...]:
    """`n_excerpts` random starts, anywhere an excerpt fits, in order."""
    room = max(0.0, duration_seconds - config.excerpt_seconds)
    return tuple(float(start) for start in np.sort(generator.uniform(0, room, config.n_excerpts)))


def load_excerpts(
    path: Path,
    config: ExcerptConfig,
    *,
    sample_rate: int = 0,
    start_seconds: float | None = None,
    seconds: float | None = None,
    generator: np.random.Generator | None = None,
) -> Excerpts:
    """Decode only the excerpts of one track.

    `start_seconds` and `seconds` limit the excerpts to a part of the track. With a `generator`
    they are random. `sample_rate` 0 keeps the file's own rate.
    """
    _check_part(start_seconds, seconds)
    part_seconds = math.inf

    def plan(duration_seconds: float) -> tuple[float, ...]:
        nonlocal part_seconds
        first, part_seconds = _part(path, duration_seconds, start_seconds, seconds)
        _refuse_short(path, part_seconds, config)
        if generator is None:
            starts = grid_starts(part_seconds, config)
        else:
            starts = random_starts(part_seconds, config, generator=generator)
        return tuple(first + start for start in starts)

    stretches = read_stretches(path, plan, seconds=config.excerpt_seconds, sample_rate=sample_rate)
    n_part_samples = round(part_seconds * stretches.sample_rate)
    rows = [row for row, n_read in enumerate(stretches.n_read) if n_read > 0]
    n_read = tuple(min(stretches.n_read[row], n_part_samples) for row in rows)
    return Excerpts(
        samples=np.stack(
            [_filled(stretches.samples[row], n) for row, n in zip(rows, n_read, strict=True)]
        ),
        sample_rate=stretches.sample_rate,
        starts_seconds=tuple(stretches.starts_seconds[row] for row in rows),
        duration_seconds=stretches.duration_seconds,
        n_read=n_read,
    )


def excerpts_of(name: Path, waveform: Waveform, config: ExcerptConfig) -> Excerpts:
    """The excerpts of sound in memory: those that a file with the same samples has.

    `name` stands in the messages of errors.
    """
    rate = waveform.sample_rate
    samples = waveform.samples
    _refuse_short(name, waveform.duration_seconds, config)
    starts_seconds = grid_starts(waveform.duration_seconds, config)
    n_samples = round(config.excerpt_seconds * rate)
    rows, n_read = [], []
    for start_seconds in starts_seconds:
        first = round(start_seconds * rate)
        stretch = samples[first : first + n_samples]
        rows.append(np.resize(stretch, n_samples))
        n_read.append(len(stretch))
    return Excerpts(np.stack(rows), rate, starts_seconds, waveform.duration_seconds, tuple(n_read))


def audible(path: Path, excerpts: Excerpts) -> Excerpts:
    """The excerpts that are not silent; silent ones would pull every mean in one direction."""
    is_audible = np.abs(excerpts.samples).max(axis=1) >= SILENCE_PEAK
    if not is_audible.any():
        raise SilentAudio(path, "digital silence: there is no sound in it")
    if is_audible.all():
        return excerpts
    rows = np.flatnonzero(is_audible).tolist()
    return Excerpts(
        excerpts.samples[rows],
        excerpts.sample_rate,
        tuple(excerpts.starts_seconds[row] for row in rows),
        excerpts.duration_seconds,
        tuple(excerpts.n_read[row] for row in rows),
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
