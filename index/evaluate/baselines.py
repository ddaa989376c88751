"""What a model has to beat: vectors without learning, of audio, waveforms or pictures.

    audio, waveforms   mfcc, spectrum, rhythm-patterns (embedder.features.handcrafted)
    audio              bliss (the package bliss-audio, where it is installed)
    pictures           row-statistics; mfcc, as the cosine transform of their rows
    anything           random; vectors that the data set brings (by their name)

All but bliss and random have values of unlike units, and are scaled by the answering tracks.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.typing import NDArray

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
HEARD = ExcerptConfig(n_excerpts=1, excerpt_seconds=30.0, placement="centre")
"""The middle half minute: what the published data sets hold of a track."""
HEARD_RATE = 22050
PICTURES_AT_ONCE = 512


def baselines_of(dataset: Dataset) -> tuple[str, ...]:
    """The baselines that this data set can be measured with."""
    kind = None if dataset.store is None else dataset.store.kind
    if kind == "spectrograms":
        names = {*OF_PICTURES, *OF_ANYTHING}
    elif kind == "waveforms":
        names = {*DESCRIPTORS, *OF_ANYTHING}
    else:
        names = {*DESCRIPTORS, *OF_AUDIO_ONLY, *OF_ANYTHING}
    return tuple(sorted(names | set(dataset.extra_vectors)))


def check_baseline(dataset: Dataset, name: str) -> None:
    """Refuse a baseline that this data set cannot be measured with, and list those that can."""
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
    """The vectors of all tracks that can be heard; the others are listed with their reasons."""
    n_tracks = len(dataset.rows)
    everyone = np.arange(n_tracks)
    if name in dataset.extra_vectors:
        vectors = np.asarray(dataset.extra_vectors[name], dtype=np.float32)
        return VectorSet(name, "baseline", vectors, everyone, Cosine(), needs_scaling=True)
    check_baseline(dataset, name)
    if name == "random":
        drawn = np.random.default_rng([seed, 19]).standard_normal((n_tracks, RANDOM_SIZE))
        return VectorSet(name, "baseline", drawn.astype(np.float32), everyone, Cosine())
    if dataset.store is not None and dataset.store.kind == "spectrograms":
        return _of_pictures(dataset, name)
    return _heard(dataset, name, workers=workers, on_progress=on_progress)


def _of_pictures(dataset: Dataset, name: str) -> VectorSet:
    pictures = dataset.arrays
    fit = finite_rows(pictures)
    return VectorSet(
        name,
        "baseline",
        picture_statistics(pictures if fit.all() else pictures[fit], name),
        np.flatnonzero(fit),
        Cosine(),
        needs_scaling=True,
        failed=tuple(LeftOut(dataset.rows[i].key, NOT_FINITE) for i in np.flatnonzero(~fit)),
    )


def picture_statistics(pictures: NDArray[np.generic], name: str) -> Vectors:
    """Of spectrograms [tracks, rows, columns]: mean and deviation of each row (row-statistics),
    or mean and covariance of the first cosine coefficients of the rows (mfcc).
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
    kept = min(N_COEFFICIENTS, pictures.shape[1])
    coefficients = scipy.fft.dct(pictures, type=2, norm="ortho", axis=1)[:, :kept]
    mean = coefficients.mean(axis=2)
    centred = coefficients - mean[:, :, None]
    covariance = np.einsum("tac,tbc->tab", centred, centred) / pictures.shape[2]
    upper = np.triu_indices(kept)
    return np.concatenate([mean, covariance[:, upper[0], upper[1]]], axis=1)


def _heard(
    dataset: Dataset, name: str, *, workers: int, on_progress: OnProgress | None
) -> VectorSet:
    kept, vectors, failed = [], [], []
    with ExitStack() as stack:
        bliss = stack.enter_context(Bliss()) if name == "bliss" else None
        describe = _Describe(dataset, name, bliss)
        results = map_in_threads(describe, range(len(dataset.rows)), workers=max(1, workers))
        for position, result in enumerate(results):
            if isinstance(result, LeftOut):
                failed.append(result)
            else:
                kept.append(position)
                vectors.append(result)
            if on_progress is not None:
                on_progress(position + 1, len(dataset.rows))
    return VectorSet(
        name,
        "baseline",
        np.stack(vectors) if vectors else np.zeros((0, 1), dtype=np.float32),
        np.array(kept, dtype=np.int64),
        Euclidean() if name == "bliss" else Cosine(),
        needs_scaling=name != "bliss",
        failed=tuple(failed),
    )


@dataclass(frozen=True, slots=True)
class _Describe:
    """From a position to its descriptor, or to the reason why not."""

    dataset: Dataset
    name: str
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
        heard = load_excerpts(path, HEARD, sample_rate=HEARD_RATE)
        return DESCRIPTORS[self.name].describe(heard.samples[0], heard.sample_rate)

    def _of_array(self, position: int) -> Vectors:
        samples = np.asarray(self.dataset.arrays[position])
        if np.issubdtype(samples.dtype, np.integer):
            samples = samples / -float(np.iinfo(samples.dtype).min)
        store = self.dataset.store
        rate = store.sample_rate if store is not None else 0
        return DESCRIPTORS[self.name].describe(samples.astype(np.float32), rate or HEARD_RATE)
