"""Are two pictures the same recording? Compared at every offset in time.

Each column loses the mean level of the rows and its own mean level, and is scaled to unit length.
What remains is the spectral shape of that moment, so neither a fade nor a louder copy changes it.
The likeness at an offset is the mean cosine of the overlapping columns.

    likeness      the largest over all offsets
    sharpness     the likeness minus the best at any other offset: high if a single offset fits,
                  low for drones, noise and loops, which fit at many offsets

Two different drones reach a likeness of 0.8, but no sharpness, so both values are needed.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
"""Levels 0…1, [rows, columns]; all pictures have as many rows."""

MOST_ROWS = 43
SMALLEST_OVERLAP = 0.4
"""As a share of the shorter picture's columns; a smaller overlap may fit by chance."""
SHORTEST_OVERLAP = 24
"""In columns. Over 13 columns of a six-second piece, another song had a likeness of 0.42, and short
drum hits are all alike."""
NEARBY_COLUMNS = 4
FAINT = 0.012
"""A column that varies less (as a share of full range) counts as silence: it fits anything."""
AUDIBLE = 0.1
"""As a share of the loudest level; a column that stays below it counts as silence."""
CACHE_BYTES = 400_000_000


@dataclass(frozen=True, slots=True)
class Fit:
    """How well two pictures fit at the best offset, in columns of the first.

    The likeness is -1 if a picture is too short.
    """

    likeness: float
    sharpness: float
    offset: int


def pooled_rows(picture: NDArray[np.generic], *, full_scale: float) -> Picture:
    """The picture with fewer rows, each the mean of several: detail that lossy encoding keeps."""
    levels = np.asarray(picture, dtype=np.float32) / full_scale
    per_row = max(1, -(-levels.shape[0] // MOST_ROWS))
    n_rows = levels.shape[0] // per_row * per_row
    pooled: Picture = levels[:n_rows].reshape(-1, per_row, levels.shape[1]).mean(axis=1)
    return pooled


def audible_columns(picture: Picture) -> NDArray[np.bool_]:
    """Which columns are not silent: bool [columns]; all of them if the picture is silent."""
    loudest = picture.max(axis=0, initial=0.0)
    audible: NDArray[np.bool_] = loudest > AUDIBLE * loudest.max(initial=0.0)
    return audible if audible.any() else np.ones_like(audible)


class Aligner:
    """Compares pairs of pictures at all offsets; caches the most recent spectra."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._pictures = pictures
        longest = max((picture.shape[1] for picture in pictures), default=1)
        self._size = 1 << (2 * longest - 1).bit_length()
        rows = pictures[0].shape[0] if len(pictures) else 1
        self._capacity = max(2, CACHE_BYTES // (8 * rows * (self._size // 2 + 1)))
        self._cache: OrderedDict[int, _Spectra] = OrderedDict()

    def fit(self, first: int, second: int) -> Fit:
        """How well the second picture fits onto the first."""
        spectra, other = self._spectra(first), self._spectra(second)
        product = np.fft.irfft((spectra.columns * other.columns.conj()).sum(axis=0), self._size)
        overlap = np.rint(np.fft.irfft(spectra.sounding * other.sounding.conj(), self._size))
        shorter = min(spectra.n_columns, other.n_columns)
        smallest = max(SHORTEST_OVERLAP, SMALLEST_OVERLAP * shorter)
        likeness = np.where(overlap >= smallest, product / np.maximum(overlap, 1.0), -1.0)
        best = int(likeness.argmax())
        gap = np.abs(np.arange(self._size) - best)
        is_far = np.minimum(gap, self._size - gap) > NEARBY_COLUMNS
        second_best = max(float(likeness[is_far].max(initial=-1.0)), 0.0)
        offset = best if best <= self._size // 2 else best - self._size
        largest = float(likeness[best])
        return Fit(largest, largest - second_best, offset)

    def _spectra(self, position: int) -> "_Spectra":
        if position in self._cache:
            self._cache.move_to_end(position)
            return self._cache[position]
        spectra = _spectra_of(self._pictures[position], self._size)
        self._cache[position] = spectra
        if len(self._cache) > self._capacity:
            self._cache.popitem(last=False)
        return spectra


@dataclass(frozen=True, slots=True)
class _Spectra:
    columns: NDArray[np.complex64]
    sounding: NDArray[np.complex64]
    n_columns: int


def _spectra_of(picture: Picture, size: int) -> _Spectra:
    audible = audible_columns(picture)
    shape = picture - picture[:, audible].mean(axis=1, keepdims=True)
    shape -= shape.mean(axis=0, keepdims=True)
    lengths = np.sqrt(np.square(shape).sum(axis=0))
    sounds = audible & (lengths > FAINT * np.sqrt(len(picture)))
    shape = np.where(sounds, shape / np.maximum(lengths, 1e-9), 0.0)
    return _Spectra(
        np.fft.rfft(shape, size, axis=1).astype(np.complex64),
        np.fft.rfft(sounds.astype(np.float32), size).astype(np.complex64),
        picture.shape[1],
    )
