"""What a model has to beat: vectors without learning, of audio, waveforms or pictures.

    audio, waveforms   mfcc, spectrum, rhythm-patterns (embedder.features.handcrafted)
    audio              bliss (if the package bliss-audio is installed)
    pictures           row-statistics; mfcc, as the cosine transform of their rows
    anything           random; vectors stored in the data set (by their name)

All but bliss and random mix values of different units, and are scaled by the reference tracks.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from embedder.audio.decoders import Decoders
from embedder.audio.excerpts import load_excerpts
from embedder.config.model import ExcerptConfig
from embedder.datasets.array_stores import NOT_FINITE, finite_rows
from embedder.datasets.dataset import Dataset
from embedder.datasets.records import LeftOut, TrackRow
from embedder.encoding.threads import map_in_threads
from embedder.errors import AudioError, UnknownChoice
from embedder.features.handcrafted.descriptors import DESCRIPTORS
from embedder.features.handcrafted.statistics import N_COEFFICIENTS
from embedder.geometry import Cosine, Euclidean
from index.evaluate.bliss import Bliss, check_installed
from index.evaluate.vector_set import Vectors, VectorSet

OnProgress = Callable[[int, int], None]

OF_PICTURES = ("mfcc", "row-statistics")
OF_AUDIO_ONLY = ("bliss",)
OF_ANYTHING = ("random",)
BASELINES = tuple(sorted({*DESCRIPTORS, *OF_PICTURES, *OF_AUDIO_ONLY, *OF_ANYTHING}))

RANDOM_SIZE = 64
EXCERPT = ExcerptConfig(n_excerpts=1, excerpt_seconds=30.0, placement="centre")
"""The middle 30 seconds, the length that published data sets store of a track."""
SAMPLE_RATE = 22050
PICTURES_AT_ONCE = 512


def baselines_of(dataset: Dataset) -> tuple[str, ...]:
    """The baselines that work on this data set."""
    kind = None if dataset.store is None else dataset.store.kind
    if kind == "spectrograms":
        names = {*OF_PICTURES, *OF_ANYTHING}
    elif kind == "waveforms":
        names = {*DESCRIPTORS, *OF_ANYTHING}
    else:
        names = {*DESCRIPTORS, *OF_AUDIO_ONLY, *OF_ANYTHING}
    return tuple(sorted(names | set(dataset.extra_vectors)))


def check_baseline(dataset: Dataset, name: str) -> None:
    """Raise UnknownChoice, listing the choices, if the baseline does not work on this data set."""
    if name not in baselines_of(dataset):
        raise UnknownChoice(f"baseline of {dataset.root.name}", name, baselines_of(dataset))
    if name == "bliss":
        check_installed()


def baseline_vectors(
    dataset: Dataset,
    name: str,
    *,
    seed: int = 0,
    workers: int = 1,
    on_progress: OnProgress | None = None,
) -> VectorSet:
    """The vectors of all tracks that can be described; the others are in `failed`, with reasons."""
    n_tracks = len(dataset.rows)
    all_positions = np.arange(n_tracks)
    if name in dataset.extra_vectors:
        vectors = np.asarray(dataset.extra_vectors[name], dtype=np.float32)
        return VectorSet(name, "baseline", vectors, all_positions, Cosine(), needs_scaling=True)
    check_baseline(dataset, name)
    if name == "random":
        noise = np.random.default_rng([seed, 19]).standard_normal((n_tracks, RANDOM_SIZE))
        return VectorSet(name, "baseline", noise.astype(np.float32), all_positions, Cosine())
    if dataset.store is not None and dataset.store.kind == "spectrograms":
        return _of_pictures(dataset, name)
    return _of_sound(dataset, name, workers=workers, on_progress=on_progress)


def _of_pictures(dataset: Dataset, name: str) -> VectorSet:
    pictures = dataset.arrays
    is_finite = finite_rows(pictures)
    return VectorSet(
        name,
        "baseline",
        picture_statistics(pictures if is_finite.all() else pictures[is_finite], name),
        np.flatnonzero(is_finite),
        Cosine(),
        needs_scaling=True,
        failed=tuple(LeftOut(dataset.rows[i].key, NOT_FINITE) for i in np.flatnonzero(~is_finite)),
    )


def picture_statistics(pictures: NDArray[np.generic], name: str) -> Vectors:
    """Descriptors of spectrograms [tracks, rows, columns].

    row-statistics: mean and standard deviation of each row; mfcc: mean and covariance of the first
    cosine coefficients of the rows.
    """
    describe = _row_statistics if name == "row-statistics" else _cosine_statistics
    if not len(pictures):
        return np.zeros((0, 1), dtype=np.float32)
    parts = [
        describe(np.asarray(pictures[start : start + PICTURES_AT_ONCE], dtype=np.float32))
        for start in range(0, len(pictures), PICTURES_AT_ONCE)
    ]
    return np.concatenate(parts).astype(np.float32)


def _row_statistics(pictures: Vectors) -> Vectors:
    return np.concatenate([pictures.mean(axis=2), pictures.std(axis=2)], axis=1)


def _cosine_statistics(pictures: Vectors) -> Vectors:
    n_coefficients = min(N_COEFFICIENTS, pictures.shape[1])
    coefficients = scipy.fft.dct(pictures, type=2, norm="ortho", axis=1)[:, :n_coefficients]
    mean = coefficients.mean(axis=2)
    centred = coefficients - mean[:, :, None]
    covariance = np.einsum("tac,tbc->tab", centred, centred) / pictures.shape[2]
    upper = np.triu_indices(n_coefficients)
    return np.concatenate([mean, covariance[:, upper[0], upper[1]]], axis=1)


def _of_sound(
    dataset: Dataset, name: str, *, workers: int, on_progress: OnProgress | None
) -> VectorSet:
    positions, vectors, failed = [], [], []
    with ExitStack() as stack:
        decoders = stack.enter_context(Decoders())
        bliss = stack.enter_context(Bliss()) if name == "bliss" else None
        describe = _Describe(dataset, name, decoders, bliss)
        results = map_in_threads(describe, range(len(dataset.rows)), workers=max(1, workers))
        for position, result in enumerate(results):
            if isinstance(result, LeftOut):
                failed.append(result)
            else:
                positions.append(position)
                vectors.append(result)
            if on_progress is not None:
                on_progress(position + 1, len(dataset.rows))
    return VectorSet(
        name,
        "baseline",
        np.stack(vectors) if vectors else np.zeros((0, 1), dtype=np.float32),
        np.array(positions, dtype=np.int64),
        Euclidean() if name == "bliss" else Cosine(),
        needs_scaling=name != "bliss",
        failed=tuple(failed),
    )


@dataclass(frozen=True, slots=True)
class _Describe:
    """Maps a position to its descriptor, or to the reason why it has none."""

    dataset: Dataset
    name: str
    decoders: Decoders
    bliss: Bliss | None

    def __call__(self, position: int) -> Vectors | LeftOut:
        row = self.dataset.rows[position]
        if row.path is None and row.array_row is None:
            return LeftOut(row.key, "a part of a file: only its stored vector can be measured")
        try:
            vector = self._of_array(position) if row.path is None else self._of_file(row)
        except AudioError as error:
            return LeftOut(row.path or row.key, error.reason)
        if not np.isfinite(vector).all():
            return LeftOut(row.path or row.key, "its descriptor is not finite")
        return vector

    def _of_file(self, row: TrackRow) -> Vectors:
        path = Path(str(row.path))
        if self.bliss is not None:
            return self.bliss.describe(path)
        excerpts = self.decoders.run(path, load_excerpts, path, EXCERPT, sample_rate=SAMPLE_RATE)
        return DESCRIPTORS[self.name].describe(excerpts.samples[0], excerpts.sample_rate)

    def _of_array(self, position: int) -> Vectors:
        samples = np.asarray(self.dataset.arrays[position])
        if np.issubdtype(samples.dtype, np.integer):
            samples = samples / -float(np.iinfo(samples.dtype).min)
        store = self.dataset.store
        rate = store.sample_rate if store is not None else 0
        return DESCRIPTORS[self.name].describe(samples.astype(np.float32), rate or SAMPLE_RATE)
