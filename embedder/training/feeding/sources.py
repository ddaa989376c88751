"""Where batches come from: what the loop and validation ask of a data set's features.

`PreparedTracks` (features computed before) and `StreamedTracks` (audio decoded on the way) are both
such sources. Levels are 0…1, before normalisation.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import platformdirs
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedder.config.training import TrainingConfig
from embedder.datasets.dataset import Dataset
from embedder.datasets.preparing import cache_for, prepare_dataset
from embedder.datasets.records import LeftOut
from embedder.training.augment.places import before_front_end
from embedder.training.feeding.streamed import StreamedTracks

Rows = NDArray[np.int64]


class BatchSource(Protocol):
    """Tracks by their position among those that can be read."""

    @property
    def dataset_rows(self) -> Rows:
        """Where each track stands in the data set."""

    @property
    def failures(self) -> tuple[LeftOut, ...] | list[LeftOut]:
        """Tracks that cannot be read, and why."""

    def __len__(self) -> int:
        """How many tracks there are."""

    def crops(self, rows: Rows, *, generator: torch.Generator) -> Tensor:
        """One random crop a row: float32 [batch, rows, columns]."""

    def excerpts(self, row: int) -> Tensor:
        """The excerpts that inference would hear: float32 [excerpts, rows, columns]."""


def open_source(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> BatchSource:
    """Features through the cache, or straight from audio where the cache is given no room."""
    workers = max(config.loop.workers, 1)
    room = int(config.dataset.cache_gigabytes * 1e9)
    if dataset.store is None and room == 0:
        on_sound = before_front_end(config.augmentation, config.model.front_end)
        return StreamedTracks(dataset, config.model, workers=workers, augmentation=on_sound)
    return prepare_dataset(
        dataset,
        config.model,
        cache=cache_for(cache_folder(config), config.model, max_bytes=room) if room else None,
        workers=workers,
        crop_columns=config.augmentation.crop_columns,
        on_progress=on_progress,
    )


def cache_folder(config: TrainingConfig) -> Path:
    """Where features are kept: as the settings say, else the platform's cache folder."""
    if config.dataset.cache_dir:
        return Path(config.dataset.cache_dir).expanduser()
    return platformdirs.user_cache_path("soundalike", appauthor=False) / "features"


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
