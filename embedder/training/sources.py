"""Where a batch comes from: arrays in memory or on disk, or audio decoded on the way.

Both give levels 0…1, before normalisation: crops to train on, fixed excerpts to measure with. What
is random is drawn from the generator that the caller gives for the step.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedder.config.model import ModelConfig
from embedder.errors import DatasetError
from embedder.excerpts import load_excerpts
from embedder.features.front_end import FrontEnd

Rows = NDArray[np.int64]


class BatchSource(Protocol):
    """Tracks by their row in the data set."""

    def __len__(self) -> int:
        """How many tracks there are."""

    def crops(self, rows: Rows, *, generator: torch.Generator) -> Tensor:
        """One random crop a row: float32 [batch, rows, columns]."""

    def excerpts(self, row: int) -> Tensor:
        """The excerpts that inference would hear: float32 [excerpts, rows, columns]."""


class ArraySource:
    """Spectrograms that were computed before: uint8 (0…255) or float [tracks, rows, columns]."""

    def __init__(
        self,
        arrays: NDArray[np.uint8] | NDArray[np.floating],
        *,
        crop_columns: int = 0,
        excerpt_columns: int = 0,
    ) -> None:
        """Columns of a training crop and of an inference excerpt; 0: all there are."""
        if arrays.ndim != 3:
            shape = list(arrays.shape)
            raise DatasetError(f"spectrograms of shape {shape}: expected [tracks, rows, columns]")
        self._arrays = arrays
        self._scale = 255.0 if arrays.dtype == np.uint8 else 1.0
        self.crop_columns = min(crop_columns or arrays.shape[2], arrays.shape[2])
        self.excerpt_columns = min(excerpt_columns or arrays.shape[2], arrays.shape[2])

    def __len__(self) -> int:
        return len(self._arrays)

    def crops(self, rows: Rows, *, generator: torch.Generator) -> Tensor:
        """Each row's stretch of `crop_columns` begins where the generator says."""
        taken = torch.from_numpy(np.ascontiguousarray(self._arrays[rows]))
        room = taken.shape[2] - self.crop_columns
        if room:
            starts = torch.randint(room + 1, (len(rows), 1), generator=generator)
            columns = starts + torch.arange(self.crop_columns)
            taken = taken.gather(2, columns[:, None, :].expand(-1, taken.shape[1], -1))
        return taken.float() / self._scale

    def excerpts(self, row: int) -> Tensor:
        """As many stretches of `excerpt_columns` as cover the track, evenly laid."""
        track = torch.from_numpy(np.ascontiguousarray(self._arrays[row]))
        length = self.excerpt_columns
        n_excerpts = -(-track.shape[1] // length)
        starts = np.linspace(0, track.shape[1] - length, n_excerpts).round().astype(int)
        parts = [track[:, start : start + length] for start in starts.tolist()]
        return torch.stack(parts).float() / self._scale


class AudioSource:
    """Audio files, decoded when they are asked for: no cache, no disk, more time."""

    def __init__(self, paths: list[Path], config: ModelConfig, front_end: FrontEnd) -> None:
        self._paths = paths
        self._config = config
        self._front_end = front_end

    def __len__(self) -> int:
        return len(self._paths)

    def crops(self, rows: Rows, *, generator: torch.Generator) -> Tensor:
        """One excerpt a row, from where the generator says."""
        seed = int(torch.randint(2**31, (1,), generator=generator))
        numbers = np.random.default_rng(seed)
        return torch.cat([self._levels(int(row), generator=numbers)[:1] for row in rows])

    def excerpts(self, row: int) -> Tensor:
        """The fixed grid of inference."""
        return self._levels(row, generator=None)

    def _levels(self, row: int, *, generator: np.random.Generator | None) -> Tensor:
        excerpts = load_excerpts(
            self._paths[row],
            self._config.excerpts,
            sample_rate=self._config.front_end.sample_rate,
            generator=generator,
        )
        with torch.inference_mode():
            levels = self._front_end.levels(
                torch.from_numpy(excerpts.samples), excerpts.sample_rate
            )
        return levels.clone()  # out of inference mode, so that training may use it


def in_batches(
    source: BatchSource, rows: Rows, *, batch_size: int
) -> Iterator[tuple[Rows, Tensor]]:
    """Fixed excerpts of many tracks: (which track each is of, [excerpts, rows, columns])."""
    owners: list[int] = []
    parts: list[Tensor] = []
    for row in rows.tolist():
        excerpts = source.excerpts(row)
        owners += [row] * len(excerpts)
        parts.append(excerpts)
        if len(owners) >= batch_size:
            yield np.asarray(owners), torch.cat(parts)
            owners, parts = [], []
    if parts:
        yield np.asarray(owners), torch.cat(parts)
