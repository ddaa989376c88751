"""Any file that FFmpeg reads, as mono float32 at one rate.

`probe` reads the headers, `read_stretches` decodes only the parts that it is asked for, and
`read_whole` serves short files. Mono is the mean of the channels (without the bass-effects
channel of surround sound). Values that are no numbers become silence.
"""

import logging
from collections.abc import Callable, Sequence
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
_LOUDEST = 65536.0
"""+96 dB over full scale: beyond it, a value is damage and not sound."""


def probe(path: Path) -> AudioInfo:
    """Return what a file's headers say."""
    with open_source(path) as source:
        return source.info()


def read_whole(path: Path, *, sample_rate: int = 0, max_seconds: float = 1800.0) -> Waveform:
    """Decode a whole file, at its own rate or at `sample_rate`; longer ones are refused."""
    with open_source(path) as source:
        run = Run(0, round(max_seconds * source.sample_rate) + 1)
        gather(placed_frames(source), [run])
        if run.read_end == run.end:
            raise UnreadableAudio(
                path,
                f"it is longer than {max_seconds / 60:g} minutes, too long to be read at once",
            )
        run.n_samples = run.read_end
        samples = _repaired(path, run.mono())
        rate = sample_rate or source.sample_rate
        samples = resampled(samples, from_rate=source.sample_rate, to_rate=rate)
    if not len(samples):
        raise _nothing_decoded(path)
    return Waveform(samples, rate)


def read_stretches(path: Path, plan: Plan, *, seconds: float, sample_rate: int = 0) -> Stretches:
    """Decode the stretches of `seconds` each that start where `plan` says.

    `plan` is called with the file's length. Where the file turns out to be shorter than it says,
    it is called once more with the measured length.
    """
    with open_source(path) as source:
        duration_seconds = _length(source)
        read = _read(source, plan(duration_seconds), seconds, sample_rate, duration_seconds)
        if _is_short(read):
            measured_seconds = source.measure_seconds()
            if measured_seconds < duration_seconds - _LIE_SECONDS:
                _log.debug(
                    "%s: says %.2f s, has %.2f s",
                    printable_path(path),
                    duration_seconds,
                    measured_seconds,
                )
                starts = plan(measured_seconds)
                read = _read(source, starts, seconds, sample_rate, measured_seconds)
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


def _read(
    source: AudioSource,
    starts_seconds: Sequence[float],
    seconds: float,
    sample_rate: int,
    duration_seconds: float,
) -> Stretches:
    native = source.sample_rate
    rate = sample_rate or native
    margin = margin_samples(from_rate=native, to_rate=rate)
    n_native = round(seconds * native)
    firsts = [round(start * native) for start in starts_seconds]
    runs = _merged(
        [(first - margin, first + n_native + margin) for first in sorted(set(firsts))],
        max_gap=round(_MERGED_GAP_SECONDS * native),
    )
    read_runs(source, runs)
    mono = [(run, _repaired(source.path, run.mono())) for run in runs]
    n_wanted = round(seconds * rate)
    samples = np.zeros((len(firsts), n_wanted), dtype=np.float32)
    n_read: list[int] = []
    cut = margin * rate // native
    for row, first in enumerate(firsts):
        run, found = next(pair for pair in mono if pair[0].end >= first + n_native + margin)
        at = first - margin - run.first
        wide = found[at : at + n_native + 2 * margin]
        narrow = resampled(wide, from_rate=native, to_rate=rate)[cut : cut + n_wanted]
        samples[row, : len(narrow)] = narrow
        n_found = min(max(run.read_end - first, 0), n_native)
        n_read.append(n_wanted if n_found == n_native else n_found * rate // native)
    return Stretches(samples, rate, tuple(starts_seconds), tuple(n_read), duration_seconds)


def _merged(spans: Sequence[tuple[int, int]], *, max_gap: int) -> list[Run]:
    """Turn sorted spans into runs that are more than `max_gap` apart."""
    runs: list[Run] = []
    for first, end in spans:
        if runs and first - runs[-1].end <= max_gap:
            runs[-1].n_samples = max(end, runs[-1].end) - runs[-1].first
        else:
            runs.append(Run(first, end - first))
    return runs


def _is_short(read: Stretches) -> bool:
    """Did the file end before the length that was believed?"""
    asked_seconds = read.samples.shape[1] / read.sample_rate
    for start, n_read in zip(read.starts_seconds, read.n_read, strict=True):
        expected_seconds = min(asked_seconds, read.duration_seconds - start)
        if n_read / read.sample_rate < expected_seconds - _LIE_SECONDS:
            return True
    return False


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
