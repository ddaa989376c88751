"""Batch sources: what the training loop and validation need of a data set's features.

`PreparedTracks` holds features that were computed before, `StreamedTracks` decodes audio when a
batch needs it, `VectorSource` holds the vectors of a frozen encoder. Levels are 0…1, before
normalisation.
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
from embedder.errors import AudioError
from embedder.training.augment.places import before_front_end
from embedder.training.feeding.streamed import StreamedTracks

Rows = NDArray[np.int64]


class BatchSource(Protocol):
    """Tracks, by their position among the readable ones."""

    @property
    def dataset_rows(self) -> Rows:
        """The position of each track in the data set."""

    @property
    def failures(self) -> tuple[LeftOut, ...] | list[LeftOut]:
        """Tracks that cannot be read, with the reason."""

    def __len__(self) -> int:
        """The number of tracks."""

    def readable_crops(self, rows: Rows, *, generator: torch.Generator) -> tuple[Rows, Tensor]:
        """Which places of `rows` can be read, and a random crop of each of these tracks:
        int64 [batch] and float32 [batch, rows, columns].
        """

    def excerpts(self, row: int) -> Tensor:
        """The excerpts that inference reads: float32 [excerpts, rows, columns]."""


def open_source(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> BatchSource:
    """Features through the cache, or straight from audio if `cache_gigabytes` is 0."""
    workers = max(config.loop.workers, 1)
    max_bytes = int(config.dataset.cache_gigabytes * 1e9)
    if dataset.store is None and max_bytes == 0:
        on_sound = before_front_end(config.augmentation, config.model.front_end)
        return StreamedTracks(
            dataset,
            config.model,
            workers=workers,
            augmentation=on_sound,
            crop_columns=config.augmentation.crop_columns,
        )
    return prepare_dataset(
        dataset,
        config.model,
        cache=cache_for(cache_folder(config), config.model, max_bytes=max_bytes)
        if max_bytes
        else None,
        workers=workers,
        crop_columns=config.augmentation.crop_columns,
        on_progress=on_progress,
    )


def cache_folder(config: TrainingConfig) -> Path:
    """The folder of stored features: `dataset.cache_dir`, or the platform's cache folder."""
    if config.dataset.cache_dir:
        return Path(config.dataset.cache_dir).expanduser()
    return platformdirs.user_cache_path("soundalike", appauthor=False) / "features"


def in_batches(
    source: BatchSource, rows: Rows, *, batch_size: int, skip_unreadable: bool = False
) -> Iterator[tuple[Rows, Tensor]]:
    """Fixed excerpts of many tracks: (the track of each, [excerpts, rows, columns]).

    A file that turns out to be unreadable raises AudioError, or is left out.
    """
    owners: list[int] = []
    parts: list[Tensor] = []
    for row in rows.tolist():
        try:
            excerpts = source.excerpts(row)
        except AudioError:
            if not skip_unreadable:
                raise
            continue
        owners += [row] * len(excerpts)
        parts.append(excerpts)
        if len(owners) >= batch_size:
            yield np.asarray(owners), torch.cat(parts)
            owners, parts = [], []
    if parts:
        yield np.asarray(owners), torch.cat(parts)
