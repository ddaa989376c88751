"""From packets to mono samples at the positions of their time stamps.

Damaged packets are left out, and zeros take their time: samples after a broken frame do not move.
"""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from embedder.audio.channels import LOUDEST, channels_of, mean_of_channels
from embedder.audio.sides import SideWindows
from embedder.audio.source import AudioSource
from embedder.errors import UnreadableAudio, printable_path

_log = logging.getLogger(__name__)

_MAX_GAP_SECONDS = 5.0
"""A longer gap is a wrong time stamp, not lost sound."""


class Run:
    """Consecutive samples to collect: [first, first + n_samples) at the file's own rate.

    samples: float32 [n_samples], the mean of the channels; zeros where nothing was decoded
    """

    def __init__(self, first: int, n_samples: int) -> None:
        self.first = first
        self.end = first + n_samples
        self.sides: SideWindows | None = None
        self.clear()

    def clear(self) -> None:
        """Forget all samples."""
        # Zeros that nobody writes cost no memory: a run may be as long as the longest file.
        self.samples: NDArray[np.float32] = np.zeros(self.end - self.first, dtype=np.float32)
        if self.sides is not None:
            self.sides.clear()
        self.read_end = self.first
        """The position after the last decoded sample; `first` if there is none."""

    def add(self, position: int, mono: NDArray[np.float32]) -> None:
        """Copy what is in the run from `mono: float32 [samples]`, which starts at `position`."""
        end = min(position + len(mono), self.end)
        start = max(position, self.first)
        if start < end:
            part = mono[start - position : end - position]
            self.samples[start - self.first : end - self.first] = part
            self.read_end = end


def placed_frames(source: AudioSource) -> Iterator[tuple[int | None, AudioFrame]]:
    """Decode from the current position of the source; yield (position or None, frame).

    A frame starts where the frame before it ended. If its time stamp is later by half a frame or
    more, sound was lost, and it starts at the time stamp. (FFmpeg's stamps for Vorbis are off by
    parts of a frame where its blocks change length.) None: the file has no time stamps.
    """
    next_position: int | None = None
    tolerance = max(source.pts_tolerance, source.frame_samples // 2)
    max_gap = round(_MAX_GAP_SECONDS * source.sample_rate)
    for frame in _decoded(source):
        if frame.sample_rate != source.sample_rate:
            raise UnreadableAudio(
                source.path,
                f"its sample rate changes from {source.sample_rate} to {frame.sample_rate} Hz",
            )
        if frame.pts is not None:
            position = source.position_of(frame.pts)
            if next_position is None or tolerance < position - next_position <= max_gap:
                next_position = position
        yield next_position, frame
        if next_position is not None:
            next_position += frame.samples


def _decoded(source: AudioSource) -> Iterator[AudioFrame]:
    packets = source.packets()
    while True:
        packet = None
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
            source.n_decoded += 1
        except av.error.InvalidDataError:
            source.n_damaged += 1
            if packet is None:  # the container is damaged: there is no next packet
                return
        else:
            yield from frames


def gather(frames: Iterator[tuple[int | None, AudioFrame]], runs: Sequence[Run]) -> None:
    """Fill `runs` (sorted, without overlap) from frames; stop when the last run is full."""
    current = 0
    end = 0
    with np.errstate(invalid="ignore", over="ignore"):  # damage is handled later
        for position, frame in frames:
            start = end if position is None else position
            end = start + frame.samples
            if start < runs[current].end and end > runs[current].first:
                channels, scale, offset = channels_of(frame)
                mono = mean_of_channels(channels, scale, offset)
                for run in runs[current:]:
                    run.add(start, mono)
                    if run.sides is not None:
                        run.sides.add(start, end, channels, scale)
            while runs[current].end <= end:
                current += 1
                if current == len(runs):
                    return


def repaired(path: Path, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Silence values that are not numbers or absurdly loud, in place; refuse if most are."""
    if not len(samples) or np.max(np.abs(samples)) <= LOUDEST:  # NaN compares as false
        return samples
    broken = ~(np.abs(samples) <= LOUDEST)
    n_broken = int(np.count_nonzero(broken))
    if n_broken > len(samples) / 2:
        raise UnreadableAudio(
            path, f"{n_broken} of {len(samples)} samples are not numbers, or absurdly loud"
        )
    _log.debug("%s: silenced %d samples that are not numbers", printable_path(path), n_broken)
    samples[broken] = 0.0
    return samples
