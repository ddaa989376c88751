"""Compute the features of every track once, through the cache, with several threads.

Files are decoded in child processes, so that one that crashes FFmpeg costs only itself.

The stored features are excerpts on a grid that covers about half a minute of a track. (One
spectrogram of the whole track would not do: most front ends measure levels from the loudest moment
of the excerpt.) Tracks that cannot be read are reported and left out.
"""

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from embedder.audio.decoders import Decoders
from embedder.audio.excerpts import load_excerpts
from embedder.audio.starts import grid_starts
from embedder.config.loading import to_dict
from embedder.config.model import ExcerptConfig, ModelConfig
from embedder.datasets.array_stores import NOT_FINITE, finite_rows
from embedder.datasets.dataset import Dataset
from embedder.datasets.feature_cache import (
    FeatureCache,
    digest_of_array,
    digest_of_file,
    digest_of_settings,
)
from embedder.datasets.prepared import PreparedTracks
from embedder.datasets.records import LeftOut, TrackRow
from embedder.datasets.stored_levels import StoredAs, pack_levels
from embedder.encoding.threads import map_in_threads
from embedder.errors import AudioError, ConfigError, DatasetError, printable_path
from embedder.features.building import build_front_end

OnProgress = Callable[[int, int], None]
"""Called with the number of finished tracks and of all tracks."""

_COVERED_SECONDS = 30.0
_DEFAULT_RAM_BYTES = 4_000_000_000


def prepare_dataset(
    dataset: Dataset,
    model: ModelConfig,
    *,
    cache: FeatureCache | None = None,
    workers: int = 1,
    crop_columns: int = 0,
    on_progress: OnProgress | None = None,
    max_ram_bytes: int = _DEFAULT_RAM_BYTES,
) -> PreparedTracks:
    """The features of all tracks. Spectrograms of the data set itself are used unchanged.

    `crop_columns` 0: crops are as long as the excerpts. Above `max_ram_bytes`, features are in a
    memory-mapped temporary file that is removed with the process.
    """
    if dataset.store is not None and dataset.store.kind == "spectrograms":
        return _ready_made(dataset, model, crop_columns)
    gathered = _Gathered(max_ram_bytes)
    readable: list[int] = []
    failures: list[LeftOut] = []
    with Decoders() as decoders:
        work = _Work(dataset, model, decoders, cache=cache)
        results = map_in_threads(work, range(len(dataset.rows)), workers=max(1, workers))
        for position, result in enumerate(results):
            if isinstance(result, LeftOut):
                failures.append(result)
            else:
                gathered.add(result, name=dataset.rows[position].key)
                readable.append(position)
            if on_progress is not None:
                on_progress(position + 1, len(dataset.rows))
    _check_some_left(dataset, failures, n_kept=len(readable))
    n_columns = gathered.shape[1]
    return PreparedTracks(
        spectrograms=gathered.array(),
        first_items=np.cumsum([0, *gathered.counts], dtype=np.int64),
        rows=tuple(dataset.rows[position] for position in readable),
        dataset_rows=np.array(readable, dtype=np.int64),
        crop_columns=min(crop_columns or n_columns, n_columns),
        excerpt_columns=n_columns,
        failures=tuple(failures),
    )


def cache_for(folder: Path, model: ModelConfig, *, max_bytes: int = 10_000_000_000) -> FeatureCache:
    """A cache whose entries hold for this model's front end and excerpts, normalisation aside."""
    front_end = {k: v for k, v in to_dict(model.front_end).items() if k != "normalisation"}
    settings = [front_end, to_dict(kept_excerpts(model)), storage_of(model)]
    return FeatureCache(folder, digest_of_settings(settings), max_bytes=max_bytes)


def storage_of(model: ModelConfig) -> StoredAs:
    """8 bits for levels; samples and coefficients, which go below zero, need more."""
    return "float16" if model.front_end.kind in ("waveform", "mfcc") else "uint8"


def kept_excerpts(model: ModelConfig) -> ExcerptConfig:
    """The excerpts to store: the model's, but at least enough to cover half a minute."""
    n_covering = math.ceil(_COVERED_SECONDS / model.excerpts.excerpt_seconds)
    return replace(model.excerpts, n_excerpts=max(model.excerpts.n_excerpts, n_covering))


class _Work:
    """Turns a row of the data set into its packed items, or into a `LeftOut` with the reason."""

    def __init__(
        self,
        dataset: Dataset,
        model: ModelConfig,
        decoders: Decoders,
        *,
        cache: FeatureCache | None,
    ) -> None:
        if model.front_end.sample_rate == 0 and model.front_end.n_columns == 0:
            raise ConfigError(
                "front_end.sample_rate = 0 with n_columns = 0 gives files of different rates "
                "spectrograms of different widths. Set one of the two."
            )
        self.dataset = dataset
        self.decoders = decoders
        self.excerpts = kept_excerpts(model)
        self.sample_rate = model.front_end.sample_rate
        self.front_end = build_front_end(model.front_end).eval()
        self.cache = cache
        self.stored_as = storage_of(model)

    def __call__(self, position: int) -> NDArray[Any] | LeftOut:
        row = self.dataset.rows[position]
        try:
            if row.path is None:
                return self._of_array(np.asarray(self.dataset.array(position)), row)
            return self._of_file(row.path)
        except AudioError as error:
            return LeftOut(error.path, error.reason)
        except OSError as error:
            return LeftOut(row.path or row.key, error.strerror or str(error))

    def _of_file(self, path: Path) -> NDArray[Any]:
        def compute() -> NDArray[Any]:
            excerpts = self.decoders.run(
                path, load_excerpts, path, self.excerpts, sample_rate=self.sample_rate
            )
            if not np.isfinite(excerpts.samples).all():
                raise AudioError(path, "holds samples that are not finite")
            return self._packed(excerpts.samples, excerpts.sample_rate)

        if self.cache is None:
            return compute()
        return self.cache.get_or_compute(digest_of_file(path), compute)

    def _of_array(self, waveform: NDArray[Any], row: TrackRow) -> NDArray[Any]:
        rate = self.dataset.store.sample_rate if self.dataset.store is not None else 0
        rate = rate or self.sample_rate
        if not rate:
            raise DatasetError(
                f"{self.dataset.root.name}: the sample rate of its waveforms is unknown. Put "
                "an array 'sample_rate' into waveforms.npz."
            )

        def compute() -> NDArray[Any]:
            samples = _as_float(waveform)
            if not np.isfinite(samples).all():  # they would become arbitrary levels
                raise AudioError(row.key, NOT_FINITE)
            length = round(self.excerpts.excerpt_seconds * rate)
            if len(samples) < self.excerpts.min_seconds * rate:
                raise AudioError(row.key, f"only {len(samples)} samples")
            starts = grid_starts(len(samples) / rate, self.excerpts)
            firsts = [round(start * rate) for start in starts]
            excerpts = [np.resize(samples[at : at + length], length) for at in firsts]
            return self._packed(np.stack(excerpts), rate)

        if self.cache is None:
            return compute()
        return self.cache.get_or_compute(f"{digest_of_array(waveform)}{rate:06x}", compute)

    def _packed(self, samples: NDArray[np.float32], sample_rate: int) -> NDArray[Any]:
        with torch.inference_mode():
            levels = self.front_end.levels(torch.from_numpy(samples), sample_rate)
        return pack_levels(levels.numpy(), self.stored_as)


class _Gathered:
    """Items of all tracks in order, in memory or, if there are many, in a file."""

    def __init__(self, max_ram_bytes: int) -> None:
        self.counts: list[int] = []
        self.shape: tuple[int, ...] = ()
        self._parts: list[NDArray[Any]] = []
        self._dtype: np.dtype[Any] = np.dtype(np.uint8)
        self._n_bytes = 0
        self._max_ram_bytes = max_ram_bytes
        self._file: tempfile._TemporaryFileWrapper[bytes] | None = None

    def add(self, items: NDArray[Any], *, name: str) -> None:
        """The items of the next track, `[items, rows, columns]`."""
        if not self.counts:
            self.shape, self._dtype = items.shape[1:], items.dtype
        if items.shape[1:] != self.shape:
            raise DatasetError(
                f"{name}: features of shape {list(items.shape[1:])}, the tracks before it have "
                f"{list(self.shape)}. Set front_end.sample_rate or n_columns."
            )
        self.counts.append(len(items))
        self._n_bytes += items.nbytes
        self._parts.append(np.asarray(items))
        if self._file is not None or self._n_bytes > self._max_ram_bytes:
            self._write_out()

    def array(self) -> NDArray[Any]:
        """All items, `[items, rows, columns]`."""
        if self._file is None:
            return np.concatenate(self._parts)
        self._file.flush()
        shape = (sum(self.counts), *self.shape)
        mapped: NDArray[Any] = np.memmap(self._file.file, self._dtype, mode="r", shape=shape)
        return mapped

    def _write_out(self) -> None:
        if self._file is None:
            self._file = tempfile.NamedTemporaryFile(prefix="soundalike-features-")  # noqa: SIM115  # lives as long as its mapping
        for part in self._parts:
            self._file.write(np.ascontiguousarray(part).data)
        self._parts.clear()


def _ready_made(dataset: Dataset, model: ModelConfig, crop_columns: int) -> PreparedTracks:
    arrays = dataset.arrays
    if arrays.dtype not in (np.uint8, np.float16, np.float32):
        arrays = arrays.astype(np.float32)
    _, n_rows, n_columns = arrays.shape
    n_model_rows = build_front_end(model.front_end).n_rows
    if n_rows != n_model_rows:
        raise DatasetError(
            f"{dataset.root.name}: its spectrograms have {n_rows} rows, the model's front end "
            f"makes {n_model_rows}. Give the front end that made the spectrograms as "
            "model.front_end; with --from, set transfer.translate=true as well."
        )
    fit = finite_rows(arrays)
    failures = [
        LeftOut(row.key, NOT_FINITE)
        for row, is_fit in zip(dataset.rows, fit, strict=True)
        if not is_fit
    ]
    if failures:
        _check_some_left(dataset, failures, n_kept=int(fit.sum()))
        arrays = arrays[fit]
    kept_rows = np.flatnonzero(fit)
    return PreparedTracks(
        spectrograms=arrays,
        first_items=np.arange(len(kept_rows) + 1, dtype=np.int64),
        rows=tuple(dataset.rows[position] for position in kept_rows),
        dataset_rows=kept_rows,
        crop_columns=min(crop_columns or n_columns, n_columns),
        excerpt_columns=n_columns,
        failures=tuple(failures),
    )


def _check_some_left(dataset: Dataset, failures: Sequence[LeftOut], *, n_kept: int) -> None:
    if not n_kept:
        first = failures[0]
        raise DatasetError(
            f"{printable_path(dataset.root)}: none of the {len(failures)} tracks can be read. "
            f"The first: {printable_path(first.path)} ({first.reason})."
        )


def _as_float(waveform: NDArray[Any]) -> NDArray[np.float32]:
    """Float samples; the lowest integer becomes -1."""
    if np.issubdtype(waveform.dtype, np.integer):
        return (waveform / -float(np.iinfo(waveform.dtype).min)).astype(np.float32)
    return waveform.astype(np.float32)
