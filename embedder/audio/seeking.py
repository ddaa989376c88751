"""Read some runs of samples from a file and decode almost nothing else.

    file      ----------------------------------------------------------
    runs                [ run ]                 [   run   ]
    decoded         ····[ run ]             ····[   run   ]
                    ^ seek here: a codec needs a few frames to get going

A run has exactly the samples that decoding the whole file gives. Exceptions: Matroska counts in
milliseconds, and for Vorbis with blocks of changing length FFmpeg is sometimes off by 128 samples.

If a file cannot seek, or a seek lands too late, the file is decoded from the beginning and only
the runs are stored: slower, but it needs no more memory.
"""

import logging
from collections.abc import Iterator, Sequence

import av.error
from av.audio.frame import AudioFrame

from embedder.audio.frames import Run, gather, placed_frames
from embedder.audio.source import AudioSource
from embedder.errors import printable_path

_log = logging.getLogger(__name__)

_WARM_UP_FRAMES = 12
"""An MP3 frame borrows bits from up to nine frames before it, at the lowest bit rates."""
_WARM_UP_SECONDS = 0.1
"""Opus asks for 80 ms."""


class _CannotSeek(Exception):
    """A seek failed or landed too late."""


def read_runs(source: AudioSource, runs: Sequence[Run], *, by_seeking: bool) -> None:
    """Fill `runs`, which are sorted and do not overlap."""
    if by_seeking:
        try:
            for run in runs:
                _read_by_seeking(source, run)
        except _CannotSeek as reason:
            name = printable_path(source.path)
            _log.debug("%s: %s, so it is decoded from the beginning", name, reason)
        else:
            return
    for run in runs:
        run.clear()
    _read_from_the_beginning(source, runs)


def _read_by_seeking(source: AudioSource, run: Run) -> None:
    warm_up = max(
        _WARM_UP_FRAMES * source.frame_samples, round(_WARM_UP_SECONDS * source.sample_rate)
    )
    if run.first <= warm_up:
        # Only decoding from the start drops the encoder's delay: M4A forgets it after a seek.
        _read_from_the_beginning(source, [run])
        return
    try:
        source.seek(run.first - warm_up)
    except (av.error.FFmpegError, OSError) as error:
        raise _CannotSeek(f"it cannot seek ({error.strerror})") from error
    gather(_landed_early_enough(source, run.first), [run])


def _read_from_the_beginning(source: AudioSource, runs: Sequence[Run]) -> None:
    if not source.is_untouched:
        source.reopen()
    gather(placed_frames(source), runs)


def _landed_early_enough(
    source: AudioSource, first: int
) -> Iterator[tuple[int | None, AudioFrame]]:
    is_first = True
    for position, frame in placed_frames(source):
        if is_first:
            if position is None:
                raise _CannotSeek("it has no time stamps")
            if position > first + source.pts_tolerance:
                raise _CannotSeek("a seek went too far")
            is_first = False
        yield position, frame
