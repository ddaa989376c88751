"""From packets to mono samples that stand where their time stamps say.

Damaged packets are left out and their time stays empty (zeros), so that what follows a broken
frame is not moved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from embedder.audio.source import AudioSource
from embedder.errors import UnreadableAudio

_OFFSET_AND_SCALE = {
    "u8": (-128.0, 1 / 128),
    "s16": (0.0, 1 / 32768),
    "s32": (0.0, 1 / 2147483648),
    "flt": (0.0, 1.0),
    "dbl": (0.0, 1.0),
}
_LOW_FREQUENCY = ("LFE", "LFE2")
_MOST_LOOSE_PIECES = 512
_MAX_GAP_SECONDS = 5.0
"""A longer hole is a time stamp gone wrong, not lost sound."""


@dataclass(slots=True)
class Run:
    """A row of samples to be collected: [first, first + n_samples) at the file's own rate."""

    first: int
    n_samples: int
    _pieces: list[tuple[int, NDArray[np.float32]]] = field(default_factory=list)
    """(position, float32 [channels, samples]), in order"""
    _n_loose: int = 0

    @property
    def end(self) -> int:
        """The position after the last sample."""
        return self.first + self.n_samples

    @property
    def read_end(self) -> int:
        """The position after the last sample that was found; `first` where there was none."""
        if not self._pieces:
            return self.first
        position, block = self._pieces[-1]
        return min(position + len(block[0]), self.end)

    def add(self, position: int, block: NDArray[np.float32]) -> None:
        """Keep `block: float32 [channels, samples]`, whose first sample stands at `position`."""
        self._pieces.append((position, block))
        self._n_loose += 1
        if self._n_loose == _MOST_LOOSE_PIECES:
            self._mix()

    def clear(self) -> None:
        """Forget what was found."""
        self._pieces.clear()
        self._n_loose = 0

    def mono(self) -> NDArray[np.float32]:
        """Return float32 [n_samples], the mean of the channels, zeros where nothing was found."""
        self._mix()
        samples = np.zeros(self.n_samples, dtype=np.float32)
        for position, block in self._pieces:
            skipped = max(self.first - position, 0)
            at = max(position - self.first, 0)
            piece = block[0, skipped : skipped + self.n_samples - at]
            samples[at : at + len(piece)] = piece
        return samples

    def _mix(self) -> None:
        """Turn the latest pieces into few mono ones."""
        if not self._n_loose:
            return
        loose = self._pieces[-self._n_loose :]
        self._pieces[-self._n_loose :] = [
            (position, block.mean(axis=0, keepdims=True)) for position, block in _joined(loose)
        ]
        self._n_loose = 0


def placed_frames(source: AudioSource) -> Iterator[tuple[int | None, AudioFrame]]:
    """Decode from where the source stands; yield (position or None, frame).

    A position follows from the frame before it, and from the time stamp where the two disagree
    by more than the time stamp's own coarseness. None: the file gives no time stamps.
    """
    expected: int | None = None
    tolerance = source.pts_tolerance
    max_gap = round(_MAX_GAP_SECONDS * source.sample_rate)
    for frame in _decoded(source):
        if frame.sample_rate != source.sample_rate:
            raise UnreadableAudio(
                source.path,
                f"its sample rate changes from {source.sample_rate} to {frame.sample_rate} Hz",
            )
        if frame.pts is not None:
            position = source.position_of(frame.pts)
            if expected is None or tolerance < position - expected <= max_gap:
                expected = position
        yield expected, frame
        if expected is not None:
            expected += frame.samples


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
            if packet is None:  # the container itself is damaged: there is no next packet
                return
        else:
            yield from frames


def gather(frames: Iterator[tuple[int | None, AudioFrame]], runs: Sequence[Run]) -> None:
    """Fill `runs` (sorted, apart from each other) from frames; stop when the last one is full."""
    current = 0
    end = 0
    for position, frame in frames:
        start = end if position is None else position
        end = start + frame.samples
        if start < runs[current].end and end > runs[current].first:
            block = channels_of(frame)
            for run in runs[current:]:
                if run.first < end:
                    run.add(start, block)
        while runs[current].end <= end:
            current += 1
            if current == len(runs):
                return


def channels_of(frame: AudioFrame) -> NDArray[np.float32]:
    """Return float32 [channels, samples], full scale at ±1, without the bass-effects channel."""
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(frame.samples, -1).T
    kind = frame.format.name.removesuffix("p")
    offset, scale = _OFFSET_AND_SCALE[kind]
    samples = array.astype(np.float32, copy=False)
    if offset:
        samples = samples + np.float32(offset)
    if scale != 1.0:
        samples = samples * np.float32(scale)
    if len(samples) > 2:
        names = [channel.name for channel in frame.layout.channels]
        samples = samples[[name not in _LOW_FREQUENCY for name in names]]
    return samples


def _joined(
    pieces: Sequence[tuple[int, NDArray[np.float32]]],
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Put neighbours together: one mean over a long block is far quicker than hundreds of small."""
    row: list[NDArray[np.float32]] = []
    row_start = row_end = 0
    for position, block in pieces:
        if row and (position != row_end or len(block) != len(row[0])):
            yield row_start, np.concatenate(row, axis=1)
            row = []
        if not row:
            row_start = position
        row.append(block)
        row_end = position + block.shape[1]
    if row:
        yield row_start, np.concatenate(row, axis=1)
