"""Any file that FFmpeg reads, as mono float32 at one rate.

`probe` reads the headers, `read_stretches` decodes only the parts that it is asked for, and
`read_whole` serves short files. Mono is the mean of the channels (without the bass-effects
channel of surround sound). Values that are no numbers become silence.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.frames import Run, gather, placed_frames
from embedder.audio.records import AudioInfo, Stretches, Waveform
from embedder.audio.resampling import margin_samples, resampled
from embedder.audio.seeking import read_runs
from embedder.audio.source import AudioSource, open_source
from embedder.errors import UnreadableAudio, printable_path

__all__ = ["AudioInfo", "Plan", "Stretches", "Waveform", "probe", "read_stretches", "read_whole"]

Plan = Callable[[float], Sequence[float]]
"""From a file's length in seconds to where its stretches start."""

_log = logging.getLogger(__name__)

_LIE_SECONDS = 0.1
"""A file may be this much shorter than it says: headers round, encoders pad."""
_MERGED_GAP_SECONDS = 0.5
"""Reading on through a short gap is cheaper than another seek."""
_MAX_SAMPLES = 2**28
"""At most so many samples of a file are in memory at once: 1 GiB."""
_LOUDEST = 65536.0
"""+96 dB over full scale: beyond it, a value is damage and not sound."""


def probe(path: Path) -> AudioInfo:
    """Return what a file's headers say."""
    with open_source(path) as source:
        return source.info()


def read_whole(path: Path, *, sample_rate: int = 0, max_seconds: float = 1800.0) -> Waveform:
    """Decode a whole file, at its own rate or at `sample_rate`; longer ones are refused."""
    with open_source(path) as source:
        native = source.sample_rate
        rate = sample_rate or native
        margin = margin_samples(from_rate=native, to_rate=rate)
        longest = min(round(max_seconds * native), _MAX_SAMPLES)
        run = Run(-margin, margin + longest + 1 + margin)
        gather(placed_frames(source), [run])
        _refuse_mostly_damaged(source)
    n_native = run.read_end
    if run.read_end > longest:
        minutes = longest / native / 60
        raise UnreadableAudio(path, f"longer than {minutes:g} minutes, too long to be read at once")
    if n_native <= 0:
        raise _nothing_decoded(path)
    heard = run.samples[: margin + n_native + margin]
    samples = resampled(_repaired(path, heard), from_rate=native, to_rate=rate)
    cut = margin * rate // native
    return Waveform(samples[cut : cut + round(n_native * rate / native)], rate)


def read_stretches(path: Path, plan: Plan, *, seconds: float, sample_rate: int = 0) -> Stretches:
    """Decode the stretches of `seconds` each that start where `plan` says.

    `plan` is called with the file's length. Where the file turns out to be shorter than it says,
    it is called once more with the measured length.
    """
    with open_source(path) as source:
        asked = _Asked(plan, seconds, sample_rate or source.sample_rate, _length(source))
        read = _read(source, asked, by_seeking=True)
        if _is_short(read):
            measured_seconds = source.measure_seconds()
            if measured_seconds < asked.duration_seconds - _LIE_SECONDS:
                name, said_seconds = printable_path(path), asked.duration_seconds
                _log.debug("%s: says %.2f s, has %.2f s", name, said_seconds, measured_seconds)
                asked = replace(asked, duration_seconds=measured_seconds)
                read = _read(source, asked, by_seeking=True)
        if _is_short(read):
            _log.debug("%s: seeking lost sound, decoded from the beginning", printable_path(path))
            read = _read(source, asked, by_seeking=False)
        _refuse_mostly_damaged(source)
    if read.n_read and not any(read.n_read):
        raise _nothing_decoded(path)
    return read


def _length(source: AudioSource) -> float:
    info = source.info()
    if info.duration_seconds is not None and not info.is_estimated:
        return info.duration_seconds
    measured_seconds = source.measure_seconds()
    name = printable_path(source.path)
    _log.debug("%s: says no length, measured %.2f s", name, measured_seconds)
    if measured_seconds <= 0:
        raise _nothing_decoded(source.path)
    return measured_seconds


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be read from a file of a believed length."""

    plan: Plan
    seconds: float
    sample_rate: int
    duration_seconds: float


def _read(source: AudioSource, asked: _Asked, *, by_seeking: bool) -> Stretches:
    native, rate, seconds = source.sample_rate, asked.sample_rate, asked.seconds
    starts_seconds = tuple(asked.plan(asked.duration_seconds))
    margin = margin_samples(from_rate=native, to_rate=rate)
    n_native = round(seconds * native)
    firsts = [round(start * native) for start in starts_seconds]
    n_asked = len(firsts) * n_native
    if n_asked > _MAX_SAMPLES:
        raise UnreadableAudio(
            source.path,
            f"{len(firsts)} stretches of {seconds:g} s at {native} Hz are {n_asked} samples, more "
            f"than the {_MAX_SAMPLES} that are read at once",
        )
    runs = _merged(
        [(first - margin, first + n_native + margin) for first in sorted(set(firsts))],
        max_gap=round(_MERGED_GAP_SECONDS * native),
    )
    read_runs(source, runs, by_seeking=by_seeking)
    for run in runs:
        _repaired(source.path, run.samples)
    n_wanted = round(seconds * rate)
    samples = np.zeros((len(firsts), n_wanted), dtype=np.float32)
    n_read: list[int] = []
    cut = margin * rate // native
    for row, first in enumerate(firsts):
        run = next(run for run in runs if run.end >= first + n_native + margin)
        at = first - margin - run.first
        wide = run.samples[at : at + n_native + 2 * margin]
        narrow = resampled(wide, from_rate=native, to_rate=rate)[cut : cut + n_wanted]
        samples[row, : len(narrow)] = narrow
        n_found = min(max(run.read_end - first, 0), n_native)
        n_read.append(n_wanted if n_found == n_native else n_found * rate // native)
    return Stretches(samples, rate, starts_seconds, tuple(n_read), asked.duration_seconds)


def _merged(spans: Sequence[tuple[int, int]], *, max_gap: int) -> list[Run]:
    """Turn sorted spans into runs that are more than `max_gap` apart."""
    joined: list[tuple[int, int]] = []
    for first, end in spans:
        if joined and first - joined[-1][1] <= max_gap:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return [Run(first, end - first) for first, end in joined]


def _is_short(read: Stretches) -> bool:
    """Did the file end before the length that was believed?"""
    asked_seconds = read.samples.shape[1] / read.sample_rate
    for start, n_read in zip(read.starts_seconds, read.n_read, strict=True):
        expected_seconds = min(asked_seconds, read.duration_seconds - start)
        if n_read / read.sample_rate < expected_seconds - _LIE_SECONDS:
            return True
    return False


def _refuse_mostly_damaged(source: AudioSource) -> None:
    """Say how much was damaged; what looks like sound by chance is mostly that."""
    n_damaged, n_packets = source.n_damaged, source.n_damaged + source.n_decoded
    if 2 * n_damaged > n_packets:
        raise UnreadableAudio(source.path, f"{n_damaged} of {n_packets} parts are damaged")
    if n_damaged:
        name = printable_path(source.path)
        _log.debug("%s: %d of %d parts are damaged, left out", name, n_damaged, n_packets)


def _repaired(path: Path, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Silence what is not a number or absurdly loud, in place; refuse where that is most."""
    if not len(samples) or np.max(np.abs(samples)) <= _LOUDEST:  # NaN compares as false
        return samples
    broken = ~(np.abs(samples) <= _LOUDEST)
    n_broken = int(np.count_nonzero(broken))
    if n_broken > len(samples) / 2:
        raise UnreadableAudio(
            path, f"{n_broken} of {len(samples)} samples are not numbers or absurdly loud"
        )
    _log.debug("%s: %d samples that are no numbers silenced", printable_path(path), n_broken)
    samples[broken] = 0.0
    return samples


def _nothing_decoded(path: Path) -> UnreadableAudio:
    return UnreadableAudio(path, "nothing in it could be decoded")
