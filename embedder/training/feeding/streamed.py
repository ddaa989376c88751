"""Train straight from compressed audio: a crop is decoded when a batch needs it.

This takes no disk space and gives a new crop every time, but takes time for decoding. The loop
prepares several batches at once in threads, and each thread decodes in a child process. A file that
kills its decoder is left out for the rest of the run: it would take a new child, or a minute, in
every epoch.
"""

import logging
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedder.audio.decoders import Decoders
from embedder.audio.decoding import probe
from embedder.audio.excerpts import Excerpts, load_excerpts
from embedder.config.model import ExcerptConfig, ModelConfig
from embedder.datasets.dataset import Dataset
from embedder.datasets.draws import seeds as draw_seeds
from embedder.datasets.records import LeftOut, TrackRow
from embedder.encoding.threads import map_in_threads
from embedder.errors import AudioError, DatasetError, DeadlyAudio, printable_path
from embedder.features.building import build_front_end
from embedder.training.augment.building import Augmentation
from embedder.training.augment.spectrogram import crop_columns as random_columns

Rows = NDArray[np.int64]

_logger = logging.getLogger(__name__)


class StreamedTracks:
    """A batch source over audio files. Files with unreadable headers are left out at once."""

    def __init__(
        self,
        dataset: Dataset,
        model: ModelConfig,
        *,
        workers: int = 1,
        augmentation: Augmentation | None = None,
        crop_columns: int = 0,
    ) -> None:
        """`workers`: threads that probe the files. `augmentation`: changes the sound of crops.
        `crop_columns`: columns of a crop; 0 keeps all that the front end gives.
        """
        if dataset.store is not None:
            raise DatasetError(f"{dataset.root.name}: it has arrays and no audio to decode.")
        self._excerpts = model.excerpts
        self._sample_rate = model.front_end.sample_rate
        self._front_end = build_front_end(model.front_end).eval()
        self._augmentation = augmentation
        self._crop_columns = crop_columns
        self._lock = threading.Lock()
        self._decoders = Decoders()
        self._deadly: dict[Path, DeadlyAudio] = {}
        self.failures: list[LeftOut] = []
        readable_rows: list[int] = []
        reasons = map_in_threads(self._unreadable, dataset.rows, workers=max(1, workers))
        for position, left_out in enumerate(reasons):
            if left_out is None:
                readable_rows.append(position)
            else:
                self.failures.append(left_out)
        if not readable_rows:
            first = self.failures[0]
            raise DatasetError(
                f"{dataset.root.name}: none of the {len(dataset.rows)} tracks can be read. "
                f"The first: {printable_path(first.path)} ({first.reason})."
            )
        self.rows: tuple[TrackRow, ...] = tuple(dataset.rows[row] for row in readable_rows)
        self.dataset_rows: Rows = np.array(readable_rows, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def readable_crops(self, rows: Rows, *, generator: torch.Generator) -> tuple[Rows, Tensor]:
        """Which places of `rows` could be read, and a random crop of each of these tracks.

        Files that cannot be read are recorded in `failures`. If none can be, DatasetError names
        the first.
        """
        seeds = draw_seeds(len(rows), generator=generator)
        read_places: list[int] = []
        excerpts: list[Excerpts] = []
        first_failure = ""
        for place, (row, seed) in enumerate(zip(rows.tolist(), seeds, strict=True)):
            try:
                excerpts.append(self._one_crop(row, np.random.default_rng(seed)))
            except AudioError as error:
                first_failure = first_failure or str(error)
                continue
            read_places.append(place)
        if not read_places:
            raise DatasetError(f"no track of a batch can be read. The first: {first_failure}")
        return np.array(read_places, dtype=np.int64), self._levels_together(excerpts, generator)

    def excerpts(self, row: int) -> Tensor:
        """The excerpts that inference reads: float32 [excerpts, rows, columns]."""
        excerpts = self._load(row, self._excerpts)
        return self._levels(excerpts.samples, excerpts.sample_rate)

    def _one_crop(self, row: int, generator: np.random.Generator) -> Excerpts:
        return self._load(row, replace(self._excerpts, n_excerpts=1), generator)

    def _load(
        self, row: int, config: ExcerptConfig, generator: np.random.Generator | None = None
    ) -> Excerpts:
        path = _path_of(self.rows[row])
        if path in self._deadly:
            raise self._deadly[path]
        try:
            return self._decoders.run(
                path,
                load_excerpts,
                path,
                config,
                sample_rate=self._sample_rate,
                generator=generator,
            )
        except AudioError as error:
            if isinstance(error, DeadlyAudio):
                self._deadly[path] = error
            self._record(LeftOut(path, error.reason))
            raise

    def _unreadable(self, row: TrackRow) -> LeftOut | None:
        path = _path_of(row)
        try:
            self._decoders.run(path, probe, path)
        except AudioError as error:
            return LeftOut(path, error.reason)
        return None

    def _levels_together(self, crops: list[Excerpts], generator: torch.Generator) -> Tensor:
        """Crops of one rate go through changes and front end in one call."""
        if len({crop.sample_rate for crop in crops}) > 1:
            return torch.cat([self._crop_levels([crop], generator) for crop in crops])
        return self._crop_levels(crops, generator)

    def _crop_levels(self, crops: list[Excerpts], generator: torch.Generator) -> Tensor:
        samples = np.concatenate([crop.samples for crop in crops])
        if self._augmentation is not None:
            changed = self._augmentation(torch.from_numpy(samples), generator=generator)
            samples = changed.numpy()
        levels = self._levels(samples, crops[0].sample_rate)
        if not self._crop_columns:
            return levels
        return random_columns(levels, n_columns=self._crop_columns, generator=generator)

    def _levels(self, samples: NDArray[np.float32], sample_rate: int) -> Tensor:
        with torch.no_grad():
            return self._front_end.levels(torch.from_numpy(samples), sample_rate)

    def _record(self, failure: LeftOut) -> None:
        with self._lock:
            if any(earlier.path == failure.path for earlier in self.failures):
                return
            self.failures.append(failure)
        _logger.warning(
            "%s: %s; training goes on without it", printable_path(failure.path), failure.reason
        )


def _path_of(row: TrackRow) -> Path:
    if row.path is None:
        raise DatasetError(f"{row.key}: no audio file.")
    return row.path
