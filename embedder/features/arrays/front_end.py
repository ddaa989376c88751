"""From a batch of waveforms to the input of a network, in numpy.

The same values as `embedder.features.front_end` gives, up to rounding; a test compares them. It
makes the tables for each sample rate once. Threads may share a front end.
"""

import abc
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import FrontEndConfig
from embedder.features.arrays.normalising import RowStatistics, normalised
from embedder.features.arrays.resampling import resample

Samples = NDArray[np.float32]
Levels = NDArray[np.float32]
Table = TypeVar("Table")


class ArrayFrontEnd(abc.ABC):
    """Waveform float32 [batch, samples] at a rate to float32 [batch, rows, columns]."""

    def __init__(self, config: FrontEndConfig, statistics: RowStatistics | None = None) -> None:
        self.config = config
        self.statistics = statistics
        self._tables: dict[tuple[str, int], object] = {}

    def __call__(self, waveform: Samples, sample_rate: int) -> Levels:
        """Levels, normalised."""
        levels = self.levels(waveform, sample_rate)
        return normalised(levels, self.config.normalisation, self.statistics)

    def levels(self, waveform: Samples, sample_rate: int) -> Levels:
        """Levels before normalisation."""
        if waveform.ndim != 2 or waveform.shape[1] == 0:
            raise ValueError(f"waveform is [batch, samples], not {list(waveform.shape)}")
        waveform = waveform.astype(np.float32, copy=False)
        target_rate = self.config.sample_rate or sample_rate
        if target_rate != sample_rate:
            waveform = resample(waveform, sample_rate, target_rate)
        return self._levels(waveform, target_rate)

    @abc.abstractmethod
    def _levels(self, waveform: Samples, sample_rate: int) -> Levels:
        """`levels` of a waveform that has the rate of the settings."""

    def _table(self, name: str, sample_rate: int, make: Callable[[], Table]) -> Table:
        """A table for a rate, made once."""
        key = (name, sample_rate)
        if key not in self._tables:
            self._tables[key] = make()
        table: Table = self._tables[key]  # type: ignore[assignment]  # of the kind that `make` makes
        return table


class WaveformArrays(ArrayFrontEnd):
    """The samples themselves, as one row."""

    def _levels(self, waveform: Samples, sample_rate: int) -> Levels:
        del sample_rate
        return waveform[:, None]
