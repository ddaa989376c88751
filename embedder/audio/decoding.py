"""Decode any file that FFmpeg reads, as mono float32 at one rate.

`probe` reads the headers, `read_stretches` decodes only some parts, `read_whole` serves short
files, and `stream_blocks` serves files of any length. Mono is the mean of the channels (without the
bass-effects channel of surround sound).
Samples that are not numbers become silence; a file that is mostly damaged is refused.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.channels import mono_of
from embedder.audio.extents import Extent, merged, run_of
from embedder.audio.failing_disk import refuse_failing_disk
from embedder.audio.frames import Run, gather, placed_frames, repaired
from embedder.audio.polyphase import converted
from embedder.audio.records import AudioInfo, Pieces, Span, Stretches, Waveform
from embedder.audio.resampling import margin_samples, resampled
from embedder.audio.seeking import read_runs
from embedder.audio.sides import SideWindows
from embedder.audio.source import AudioSource, open_source
from embedder.errors import AudioTooShort, UnreadableAudio, printable_path

__all__ = [
    "AudioInfo",
    "Pieces",
    "Plan",
    "Span",
    "SpanPlan",
    "Stretches",
    "Waveform",
    "probe",
    "read_pieces",
    "read_stretch",
    "read_stretches",
    "read_whole",
    "stream_blocks",
]

Plan = Callable[[float], Sequence[float]]
"""From a file's length in seconds to where the stretches start."""
SpanPlan = Callable[[float], Sequence[Span]]
"""From a file's length in seconds to the spans to read."""

_log = logging.getLogger(__name__)

_LIE_SECONDS = 0.1
"""How much shorter than its header says a file may be: headers round, encoders pad."""
_MAX_SAMPLES = 2**28
"""At most so many samples of a file are in memory at once: 1 GiB."""


def probe(path: Path) -> AudioInfo:
    """What a file's headers say."""
    with open_source(path) as source:
        return source.info()


def read_whole(path: Path, *, sample_rate: int = 0, max_seconds: float = 1800.0) -> Waveform:
    """Decode a whole file, at its own rate or at `sample_rate`; refuses longer files."""
    with open_source(path) as source:
        native = source.sample_rate
        rate = sample_rate or native
        margin = margin_samples(from_rate=native, to_rate=rate)
        longest = min(round(max_seconds * native), _MAX_SAMPLES)
        run = Run(-margin, margin + longest + 1 + margin)
        gather(placed_frames(source), [run])
        _refuse_mostly_damaged(source)
        _refuse_failed_reading(source, min(run.read_end, longest))
    n_native = run.read_end
    if run.read_end > longest:
        minutes = longest / native / 60
        raise UnreadableAudio(
            path, f"longer than {minutes:g} minutes, which is too long to decode as a whole"
        )
    if n_native <= 0:
        raise _nothing_decoded(path)
    native_samples = run.samples[: margin + n_native + margin]
    samples = resampled(repaired(path, native_samples), from_rate=native, to_rate=rate)
    cut = margin * rate // native
    return Waveform(samples[cut : cut + round(n_native * rate / native)], rate)


def stream_blocks(path: Path) -> Iterator[NDArray[np.float32]]:
    """The samples of `read_whole` at the file's own rate, as they are decoded: float32 [samples].

    Memory does not grow with the length of the file.
    """
    with open_source(path) as source:
        end = 0
        for position, frame in placed_frames(source):
            start = end if position is None else position
            with np.errstate(invalid="ignore", over="ignore"):  # `repaired` handles damage
                mono = mono_of(frame)
            if start > end:  # sound was lost: silence takes its time
                yield np.zeros(start - end, dtype=np.float32)
            new = mono[max(end - start, 0) :]
            if len(new):
                yield repaired(path, new)
            end = max(end, start + len(mono))
        _refuse_mostly_damaged(source)
        _refuse_failed_reading(source, end)
    if not end:
        raise _nothing_decoded(path)


def read_stretches(path: Path, plan: Plan, *, seconds: float, sample_rate: int = 0) -> Stretches:
    """Decode the stretches of `seconds` each that start where `plan` says; see `read_pieces`."""

    def spans(duration_seconds: float) -> list[Span]:
        return [Span(start, seconds, sample_rate) for start in plan(duration_seconds)]

    pieces = read_pieces(path, spans)
    rate = sample_rate or pieces.native_rate
    samples = np.zeros((len(pieces.spans), round(seconds * rate)), dtype=np.float32)
    for row, piece in enumerate(pieces.samples):
        samples[row] = piece
    starts = tuple(span.start_seconds for span in pieces.spans)
    return Stretches(samples, rate, starts, pieces.n_read, pieces.duration_seconds)


def read_pieces(path: Path, plan: SpanPlan) -> Pieces:
    """Decode the spans that `plan` names, each part of the file once.

    `plan` is called with the file's length. If the file turns out to be shorter than its header
    says, `plan` is called once more with the measured length.
    """
    with open_source(path) as source:
        duration_seconds = _length(source)
        pieces = _read(source, plan, duration_seconds, by_seeking=True)
        if _is_short(pieces):
            refuse_failing_disk(path)
            measured_seconds = source.measure_seconds()
            if measured_seconds < duration_seconds - _LIE_SECONDS:
                _log.debug(
                    "%s: its header says %.2f s, it has %.2f s",
                    printable_path(path),
                    duration_seconds,
                    measured_seconds,
                )
                duration_seconds = measured_seconds
                pieces = _read(source, plan, duration_seconds, by_seeking=True)
        if _is_short(pieces):
            _log.debug(
                "%s: seeking lost sound, so it is decoded from the beginning", printable_path(path)
            )
            pieces = _read(source, plan, duration_seconds, by_seeking=False)
        _refuse_mostly_damaged(source)
    if pieces.n_read and not any(pieces.n_read):
        raise _nothing_decoded(path)
    return pieces


def read_stretch(path: Path, *, start_seconds: float, seconds: float, sample_rate: int) -> Waveform:
    """A part of a track, shorter if the track ends before."""

    def plan(duration_seconds: float) -> tuple[float, ...]:
        if start_seconds >= duration_seconds:
            raise AudioTooShort(
                path,
                f"it is {duration_seconds:.1f} s long; there is nothing at {start_seconds:g} s",
            )
        return (start_seconds,)

    stretches = read_stretches(path, plan, seconds=seconds, sample_rate=sample_rate)
    samples = stretches.samples[0, : stretches.n_read[0]]
    return Waveform(samples, stretches.sample_rate)


def _length(source: AudioSource) -> float:
    info = source.info()
    if info.duration_seconds is not None and not info.is_estimated:
        return info.duration_seconds
    measured_seconds = source.measure_seconds()
    name = printable_path(source.path)
    _log.debug("%s: its header says no length, measured %.2f s", name, measured_seconds)
    if measured_seconds <= 0:
        raise _nothing_decoded(source.path)
    return measured_seconds


def _read(
    source: AudioSource, plan: SpanPlan, duration_seconds: float, *, by_seeking: bool
) -> Pieces:
    native = source.sample_rate
    spans = tuple(plan(duration_seconds))
    extents = [Extent.of(span, native) for span in spans]
    n_asked = sum(extent.n_native for extent in extents)
    if n_asked > _MAX_SAMPLES:
        longest = max(span.seconds for span in spans)
        raise UnreadableAudio(
            source.path,
            f"{len(spans)} stretches of {longest:g} s at {native} Hz are {n_asked} samples, more "
            f"than the {_MAX_SAMPLES} that are read at once",
        )
    runs = merged(extents, native)
    for span, extent in zip(spans, extents, strict=True):
        if span.with_sides:
            run = run_of(extent, runs)
            run.sides = SideWindows(extent.first, extent.first + extent.n_native)
    read_runs(source, runs, by_seeking=by_seeking)
    for run in runs:
        repaired(source.path, run.samples)
    samples, n_read = [], []
    for extent in extents:
        run = run_of(extent, runs)
        wide = run.samples[extent.begin - run.first : extent.end - run.first]
        cut = extent.margin * extent.rate // native
        narrow = converted(wide, from_rate=native, to_rate=extent.rate)[
            cut : cut + extent.n_samples
        ]
        samples.append(np.pad(narrow, (0, extent.n_samples - len(narrow))))
        n_decoded = min(max(run.read_end - extent.first, 0), extent.n_native)
        is_whole = n_decoded == extent.n_native
        n_read.append(extent.n_samples if is_whole else n_decoded * extent.rate // native)
    sides = next((run.sides.sides(native) for run in runs if run.sides is not None), None)
    return Pieces(tuple(samples), native, spans, tuple(n_read), duration_seconds, sides)


def _is_short(pieces: Pieces) -> bool:
    """Did the file end before the believed length?"""
    for span, n_read in zip(pieces.spans, pieces.n_read, strict=True):
        expected_seconds = min(span.seconds, pieces.duration_seconds - span.start_seconds)
        n_seconds = n_read / (span.sample_rate or pieces.native_rate)
        if n_seconds < expected_seconds - _LIE_SECONDS:
            return True
    return False


def _refuse_mostly_damaged(source: AudioSource) -> None:
    """Refuse a file of which most is damaged: what was decoded is sound by chance only."""
    if source.n_damaged:
        refuse_failing_disk(source.path)
    n_damaged, n_packets = source.n_damaged, source.n_damaged + source.n_decoded
    if 2 * n_damaged > n_packets:
        raise UnreadableAudio(source.path, f"{n_damaged} of {n_packets} parts are damaged")
    if n_damaged:
        name = printable_path(source.path)
        _log.debug("%s: %d of %d parts are damaged, left out", name, n_damaged, n_packets)


def _refuse_failed_reading(source: AudioSource, n_samples: int) -> None:
    """Refuse a file that ended early because its disk fails; a file that is cut off may pass."""
    info = source.info()
    if info.duration_seconds is None or info.is_estimated:
        return
    if n_samples < (info.duration_seconds - _LIE_SECONDS) * source.sample_rate:
        refuse_failing_disk(source.path)


def _nothing_decoded(path: Path) -> UnreadableAudio:
    return UnreadableAudio(path, "nothing in it can be decoded")
