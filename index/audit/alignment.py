"""Are two pictures the same recording? Slid along each other, moment by moment.

Of every column the rows' usual level and its own loudness are taken away, and what is left is
brought to unit length: the shape of that moment's sound, so that a fade counts as little as a
louder copy. The likeness at an offset is the mean cosine of the columns that then overlap.

    likeness      the best one over all offsets
    sharpness     how far it stands above the best of all other offsets: high where one offset
                  alone fits, low for drones, noise and loops, which fit everywhere a little

Drones reach a likeness of 0.8 with any other drone, but no sharpness: both are needed.
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
"""Of the shorter picture's columns; less than that fits by chance."""
SHORTEST_OVERLAP = 24
"""Columns: 13 of a piece of six seconds fitted another song by 0.42, and drum hits are all alike.
"""
NEARBY_COLUMNS = 4
FAINT = 0.012
"""A column that varies less (as a share of full range) is silence, and fits anything."""
AUDIBLE = 0.1
"""Of the loudest level: columns that nowhere get there are silence between or around sound."""
CACHE_BYTES = 400_000_000


@dataclass(frozen=True, slots=True)
class Fit:
    """How well two pictures fit where they fit best; `offset` counts columns of the first.

    A likeness of -1 where one is too short to tell.
    """

    likeness: float
    sharpness: float
    offset: int


def pooled_rows(picture: NDArray[np.generic], *, full_scale: float) -> Picture:
    """Fewer rows, each the mean of some: level of detail that survives an encoder."""
    levels = np.asarray(picture, dtype=np.float32) / full_scale
    per_row = max(1, -(-levels.shape[0] // MOST_ROWS))
    kept = levels.shape[0] // per_row * per_row
    pooled: Picture = levels[:kept].reshape(-1, per_row, levels.shape[1]).mean(axis=1)
    return pooled


def audible_columns(picture: Picture) -> NDArray[np.bool_]:
    """Which moments are no silence: bool [columns]. Where there is nothing else, all of them."""
    loudest = picture.max(axis=0, initial=0.0)
    audible: NDArray[np.bool_] = loudest > AUDIBLE * loudest.max(initial=0.0)
    return audible if audible.any() else np.ones_like(audible)


class Aligner:
    """Slides pairs of pictures; spectra of the latest ones are kept."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._pictures = pictures
        longest = max((picture.shape[1] for picture in pictures), default=1)
        self._size = 1 << (2 * longest - 1).bit_length()
        rows = pictures[0].shape[0] if len(pictures) else 1
        self._capacity = max(2, CACHE_BYTES // (8 * rows * (self._size // 2 + 1)))
        self._kept: OrderedDict[int, _Spectra] = OrderedDict()

    def fit(self, first: int, second: int) -> Fit:
        """How well the second picture fits onto the first."""
        one, other = self._spectra(first), self._spectra(second)
        together = np.fft.irfft((one.columns * other.columns.conj()).sum(axis=0), self._size)
        overlap = np.rint(np.fft.irfft(one.sounding * other.sounding.conj(), self._size))
        shorter = min(one.n_columns, other.n_columns)
        smallest = max(SHORTEST_OVERLAP, SMALLEST_OVERLAP * shorter)
        likeness = np.where(overlap >= smallest, together / np.maximum(overlap, 1.0), -1.0)
        best = int(likeness.argmax())
        at = np.arange(self._size)
        gap = np.abs(at - best)
        far = np.minimum(gap, self._size - gap) > NEARBY_COLUMNS
        second_best = max(float(likeness[far].max(initial=-1.0)), 0.0)
        offset = best if best <= self._size // 2 else best - self._size
        found = float(likeness[best])
        return Fit(found, found - second_best, offset)

    def _spectra(self, position: int) -> "_Spectra":
        if position in self._kept:
            self._kept.move_to_end(position)
            return self._kept[position]
        spectra = _spectra_of(self._pictures[position], self._size)
        self._kept[position] = spectra
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
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
