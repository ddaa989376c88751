"""Tracks with computed features, and crops of them for training.

A track has one or more items, all of one size: stretches of it as the front end sees them. A crop
is a random stretch of `crop_columns` of a random item. Only the crop is copied from memory or from
the mapped file.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedder.datasets.draws import uniform
from embedder.datasets.records import LeftOut, TrackRow
from embedder.datasets.stored_levels import unpack_levels

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PreparedTracks:
    """A batch source of computed features. Levels are 0…1, before normalisation."""

    spectrograms: NDArray[Any]
    """uint8 (0…255), float16 or float32 `[items, rows, columns]`."""
    first_items: Rows
    """int64 [tracks + 1]: the items of track t are first_items[t] … first_items[t + 1] - 1."""
    rows: tuple[TrackRow, ...]
    dataset_rows: Rows
    """int64 [tracks]: the position of each track in the data set."""
    crop_columns: int
    """Columns of a training crop."""
    excerpt_columns: int
    """Columns of an excerpt outside training."""
    failures: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def crops(self, rows: Rows, *, generator: torch.Generator) -> Tensor:
        """One random crop of each track: float32 [batch, rows, columns]."""
        draws = uniform((2, len(rows)), generator=generator, axis=1, dtype=torch.float64).numpy()
        counts = self.first_items[rows + 1] - self.first_items[rows]
        items = self.first_items[rows] + np.minimum((draws[0] * counts).astype(int), counts - 1)
        _, n_rows, n_columns = self.spectrograms.shape
        width = min(self.crop_columns, n_columns)
        if width == n_columns:
            return unpack_levels(torch.from_numpy(np.take(self.spectrograms, items, axis=0)))
        starts = (draws[1] * (n_columns - width + 1)).astype(int)
        crops = np.empty((len(rows), n_rows, width), dtype=self.spectrograms.dtype)
        for place, (item, start) in enumerate(zip(items.tolist(), starts.tolist(), strict=True)):
            crops[place] = self.spectrograms[item, :, start : start + width]
        return unpack_levels(torch.from_numpy(crops))

    def readable_crops(self, rows: Rows, *, generator: torch.Generator) -> tuple[Rows, Tensor]:
        """As `crops`, with the places of the rows: all of them can be read."""
        return np.arange(len(rows)), self.crops(rows, generator=generator)

    def excerpts(self, row: int) -> Tensor:
        """All of a track in stretches of `excerpt_columns`: float32 [excerpts, rows, columns]."""
        items = self.spectrograms[self.first_items[row] : self.first_items[row + 1]]
        n_columns = items.shape[2]
        width = min(self.excerpt_columns, n_columns)
        n_stretches = -(-n_columns // width)
        starts = np.linspace(0, n_columns - width, n_stretches).round().astype(int)
        parts = [items[:, :, start : start + width] for start in starts.tolist()]
        return unpack_levels(torch.from_numpy(np.concatenate(parts)))
