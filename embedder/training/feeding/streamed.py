"""Train straight from compressed audio: crops are decoded when a batch asks for them.

No disk space and a new stretch every time, at the price of decoding. Decoding leaves Python's lock,
so threads suffice; `crop_loading.CropLoader` keeps several batches under way beside the training.
"""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedder.audio.decoding import probe
from embedder.audio.excerpts import Excerpts, load_excerpts
from embedder.config.model import ModelConfig
from embedder.datasets.dataset import Dataset
from embedder.datasets.records import LeftOut, TrackRow
from embedder.encoding.threads import map_in_threads
from embedder.errors import AudioError, DatasetError, printable_path
from embedder.features.building import build_front_end
from embedder.training.augment.building import Augmentation

Rows = NDArray[np.int64]


class StreamedTracks:
    """A batch source over audio files. Those whose headers cannot be read are left out at once."""

    def __init__(
        self,
        dataset: Dataset,
        model: ModelConfig,
        *,
        workers: int = 1,
        augmentation: Augmentation | None = None,
    ) -> None:
        """`workers`: threads that look at the files; `augmentation`: of the sound of crops."""
        if dataset.store is not None:
            raise DatasetError(f"{dataset.root.name}: brings arrays; there is no audio to decode.")
        self._excerpts = model.excerpts
        self._sample_rate = model.front_end.sample_rate
        self._front_end = build_front_end(model.front_end).eval()
        self._augmentation = augmentation
        self._lock = threading.Lock()
        self.failures: list[LeftOut] = []
        kept: list[int] = []
        reasons = map_in_threads(_unreadable, dataset.rows, workers=max(1, workers))
        for position, left_out in enumerate(reasons):
            if left_out is None:
                kept.append(position)
            else:
                self.failures.append(left_out)
        if not kept:
            first = self.failures[0]
            raise DatasetError(
                f"{dataset.root.name}: none of the {len(dataset.rows)} tracks can be read. "
                f"The first: {printable_path(first.path)} ({first.reason})."
            )
        self.rows: tuple[TrackRow, ...] = tuple(dataset.rows[position] for position in kept)
        self.dataset_rows: Rows = np.array(kept, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def crops(self, rows: Rows, *, generator: torch.Generator) -> Tensor:
        """One crop a row from anywhere in its track: float32 [batch, rows, columns]."""
        kept, levels = self.readable_crops(rows, generator=generator)
        if len(kept) < len(rows):
            missing = self.rows[int(np.setdiff1d(np.arange(len(rows)), kept)[0])]
            raise DatasetError(f"{missing.key}: no longer readable. {self.failures[-1].reason}")
        return levels

    def readable_crops(self, rows: Rows, *, generator: torch.Generator) -> tuple[Rows, Tensor]:
        """Which places of `rows` could be read, and their crops. The others are recorded."""
        seeds = torch.randint(2**62, (len(rows),), generator=generator).tolist()
        kept: list[int] = []
        heard: list[Excerpts] = []
        for place, (row, seed) in enumerate(zip(rows.tolist(), seeds, strict=True)):
            path = _path_of(self.rows[row])
            try:
                heard.append(self._one_crop(path, np.random.default_rng(seed)))
            except AudioError as error:
                self._record(LeftOut(path, error.reason))
                continue
            kept.append(place)
        if not kept:
            raise DatasetError(f"no track of a batch can be read: {self.failures[-1].reason}")
        return np.array(kept, dtype=np.int64), self._levels_together(heard, generator)

    def excerpts(self, row: int) -> Tensor:
        """What inference would hear of a track: float32 [excerpts, rows, columns]."""
        path = _path_of(self.rows[row])
        heard = load_excerpts(path, self._excerpts, sample_rate=self._sample_rate)
        return self._levels(heard.samples, heard.sample_rate)

    def _one_crop(self, path: Path, generator: np.random.Generator) -> Excerpts:
        config = replace(self._excerpts, n_excerpts=1)
        return load_excerpts(path, config, sample_rate=self._sample_rate, generator=generator)

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
        return self._levels(samples, crops[0].sample_rate)

    def _levels(self, samples: NDArray[np.float32], sample_rate: int) -> Tensor:
        with torch.no_grad():
            return self._front_end.levels(torch.from_numpy(samples), sample_rate)

    def _record(self, failure: LeftOut) -> None:
        with self._lock:
            if all(known.path != failure.path for known in self.failures):
                self.failures.append(failure)


def _unreadable(row: TrackRow) -> LeftOut | None:
    path = _path_of(row)
    try:
        probe(path)
    except AudioError as error:
        return LeftOut(path, error.reason)
    return None


def _path_of(row: TrackRow) -> Path:
    if row.path is None:
        raise DatasetError(f"{row.key}: no audio file.")
    return row.path
