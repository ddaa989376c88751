"""Read chosen stretches of a file and decode next to nothing else.

    file      ----------------------------------------------------------
    wanted              [ run ]                 [   run   ]
    decoded         ····[ run ]             ····[   run   ]
                    ^ seek here: a codec needs a few frames to get going

A stretch stands where it would in the whole file, to the sample. Exceptions: Matroska counts in
milliseconds, and in Vorbis with blocks of changing length FFmpeg is off by 128 samples at times.

Where a file cannot seek, or a seek lands too late, everything is decoded once from the beginning
and only the wanted stretches are kept: slower, and just as small in memory.
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
    """Fill `runs`, which are sorted and apart from each other."""
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
        # Only the first decoding drops the encoder's delay reliably: M4A forgets it after a seek.
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
    source: AudioSource, wanted: int
) -> Iterator[tuple[int | None, AudioFrame]]:
    is_first = True
    for position, frame in placed_frames(source):
        if is_first:
            if position is None:
                raise _CannotSeek("it has no time stamps")
            if position > wanted + source.pts_tolerance:
                raise _CannotSeek("a seek went too far")
            is_first = False
        yield position, frame
