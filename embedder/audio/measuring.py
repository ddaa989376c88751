"""Measurements of audio that arrives frame by frame: an hour needs no more memory than a minute."""

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 0.999
"""Samples at or above this level may be clipped."""
CLIPPED_RUN = 3
"""This many samples at full scale in a row are clipping, not a peak."""
QUIET = 1e-3
"""-60 dB below full scale."""
BLOCK_SECONDS = 0.1
LOW_HERTZ = 4000
"""Means over one period remove what is well above it: encoders invent the treble."""
_BLOCKS_AT_ONCE = 100

Channels = NDArray[np.float32]
"""[channels, samples], full scale at ±1."""


class SoundMeasures:
    """Levels of a file's channels, their similarity, and how much is clipped or quiet."""

    def __init__(self, sample_rate: int) -> None:
        self.peak = 0.0
        self.n_samples = 0
        self._n_clipped = 0
        self._squares: NDArray[np.float64] = np.zeros(1)
        self._stereo, self._low = _Stereo(), _Stereo()
        self._low_samples = max(1, round(sample_rate / LOW_HERTZ))
        self._quiet = _Quiet(sample_rate)

    def add(self, values: Channels) -> None:
        """Measure the next samples."""
        magnitudes = np.abs(values)
        loudest = float(magnitudes.max(initial=0.0))
        self.n_samples += values.shape[1]
        self.peak = max(self.peak, loudest)
        if loudest >= FULL_SCALE:
            self._n_clipped += int(max(_in_runs(row >= FULL_SCALE) for row in magnitudes))
        if len(self._squares) != len(values):
            self._squares = np.zeros(len(values))
        self._squares += np.square(values, dtype=np.float64).sum(axis=1)
        if len(values) == 2:
            self._stereo.add(values)
            self._low.add(_means(values, self._low_samples))
        self._quiet.add(values)

    @property
    def clipped_share(self) -> float:
        """The share of clipped samples, in the channel that has most."""
        return self._n_clipped / max(self.n_samples, 1)

    @property
    def quiet_share(self) -> float:
        """The share of time in which no channel moves."""
        return self._quiet.share()

    @property
    def side_level(self) -> float:
        """How loud the difference of two channels is relative to their sum."""
        return self._stereo.level()

    @property
    def low_side_level(self) -> float:
        """The same without treble."""
        return self._low.level()

    @property
    def quieter_level(self) -> float:
        """How loud the quietest channel is relative to the loudest."""
        loudest = self._squares.max()
        return float(np.sqrt(self._squares.min() / loudest)) if loudest > 0 else 1.0


class _Stereo:
    def __init__(self) -> None:
        self._side = self._middle = 0.0

    def add(self, values: Channels) -> None:
        self._side += float(np.square(values[0] - values[1], dtype=np.float64).sum())
        self._middle += float(np.square(values[0] + values[1], dtype=np.float64).sum())

    def level(self) -> float:
        if self._middle > 0:
            return float(np.sqrt(self._side / self._middle))
        return float("inf") if self._side > 0 else 0.0


class _Quiet:
    """Counts blocks in which no channel moves; a constant level is not sound."""

    def __init__(self, sample_rate: int) -> None:
        self._length = max(round(BLOCK_SECONDS * sample_rate), 1)
        self._waiting: list[Channels] = []
        self._n_waiting = 0
        self._n_quiet = self._n_blocks = 0

    def add(self, values: Channels) -> None:
        if self._waiting and len(values) != len(self._waiting[0]):
            self._count()
            self._waiting, self._n_waiting = [], 0
        self._waiting.append(values)
        self._n_waiting += values.shape[1]
        if self._n_waiting >= _BLOCKS_AT_ONCE * self._length:
            self._count()

    def share(self) -> float:
        self._count()
        if not self._n_blocks and self._n_waiting:  # shorter than a block
            return float(_range(np.concatenate(self._waiting, axis=1)[:, None, :])[0] < QUIET)
        return self._n_quiet / max(self._n_blocks, 1)

    def _count(self) -> None:
        n_blocks = self._n_waiting // self._length
        if not n_blocks:
            return
        values = np.concatenate(self._waiting, axis=1)
        n_used = n_blocks * self._length
        blocks = values[:, :n_used].reshape(len(values), n_blocks, self._length)
        self._n_blocks += n_blocks
        self._n_quiet += int((_range(blocks) < QUIET).sum())
        self._waiting = [values[:, n_used:].copy()]
        self._n_waiting -= n_used


def _range(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Half the range from lowest to highest, of the loudest channel: float32 [blocks]."""
    ranges: NDArray[np.float32] = (blocks.max(axis=2) - blocks.min(axis=2)).max(axis=0) / 2
    return ranges


def _means(values: Channels, length: int) -> Channels:
    """Means over `length` samples each; what remains of a frame is left out."""
    n_means = values.shape[1] // length
    means: Channels = (
        values[:, : n_means * length].reshape(len(values), n_means, length).mean(axis=2)
    )
    return means


def _in_runs(at_limit: NDArray[np.bool_]) -> int:
    """How many samples are in runs of at least `CLIPPED_RUN`."""
    edges = np.flatnonzero(np.diff(np.r_[False, at_limit, False].astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= CLIPPED_RUN].sum())
