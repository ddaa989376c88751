"""Spectrograms or waveforms that a data set contains as arrays; they are read when needed.

A store is one array in an .npz or .npy (`[tracks, …]`), or a folder with a .npy for each track.
"""

import logging
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embedder.errors import DatasetError, printable_path

_logger = logging.getLogger(__name__)

MUCH_SHORTER = 0.8
"""A warning appears if the shortest array is below this share of the median length."""
ArrayKind = Literal["spectrograms", "waveforms"]

NUMBERS = "biuf"
"""Kinds of numpy types that are real numbers."""
NOT_FINITE = "its array holds values that are not finite"
_ROWS_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class ArrayHeader:
    """Shape and type of a stored array, read without its values."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class ArrayStore:
    """The files of the arrays. `kind` states their contents; `shape` is that of one track."""

    kind: ArrayKind
    files: tuple[Path, ...]
    """One .npz or .npy with all tracks, or one .npy for each."""
    n_tracks: int
    shape: tuple[int, ...]
    member: str = ""
    """The name inside an .npz."""
    sample_rate: int = 0
    """Of waveforms; 0 if the data set does not state it."""

    @property
    def size_bytes(self) -> int:
        """The total size of the files."""
        return sum(file.stat().st_size for file in self.files)

    @property
    def has_file_per_track(self) -> bool:
        """Whether each waveform is a file of its own, so that their lengths may differ."""
        is_single = bool(self.member) or len(self.files) < self.n_tracks
        return self.kind == "waveforms" and not is_single

    def load(self) -> NDArray[Any]:
        """All arrays, `[tracks, …]`; memory-mapped if the file allows it.

        A folder of arrays with different lengths is cut to the shortest.
        """
        if self.member:
            with open_npz(self.files[0]) as archive:
                return _read_member(archive, self.member, self.files[0])
        if len(self.files) == 1 and self.n_tracks != 1:
            return load_npy(self.files[0])
        arrays = [load_npy(file) for file in self.files]
        lengths = [array.shape[-1] for array in arrays]
        length = min(lengths)
        if length < MUCH_SHORTER * float(np.median(lengths)):
            shortest = printable_path(self.files[lengths.index(length)])
            _logger.warning(
                "%s: only %d values long, the others about %d; all are cut to the shortest. Remove "
                "this file to keep the rest whole",
                shortest,
                length,
                int(np.median(lengths)),
            )
        return np.stack([array[..., :length] for array in arrays])


def open_npz(path: Path) -> "np.lib.npyio.NpzFile":
    """Open an archive of arrays; pickled objects are never loaded."""
    try:
        opened = np.load(path, allow_pickle=False)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{printable_path(path)}: not an .npz file ({error}).") from error
    if not isinstance(opened, np.lib.npyio.NpzFile):
        raise DatasetError(f"{printable_path(path)}: one plain array, not an .npz file.")
    return opened


def read_npz_member(path: Path, member: str) -> NDArray[Any]:
    """One array of an archive, by name."""
    with open_npz(path) as archive:
        return _read_member(archive, member, path)


def _read_member(archive: "np.lib.npyio.NpzFile", member: str, path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = archive[member]
    except KeyError as error:
        raise DatasetError(
            f"{printable_path(path)}: no array {member!r}. It holds: {', '.join(archive.files)}."
        ) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if "allow_pickle" in str(error):
            raise DatasetError(
                f"{printable_path(path)}: {member!r} holds Python objects, which are never loaded. "
                "Save it as plain text or numbers, such as names.astype(str)."
            ) from error
        raise DatasetError(f"{printable_path(path)}: {member!r} is damaged ({error}).") from error
    return array


def npz_header(path: Path, member: str) -> ArrayHeader:
    """Shape and type of an array in an archive, without unpacking it."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{member}.npy") as file:
            version = np.lib.format.read_magic(file)
            read_header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read_header(file)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{printable_path(path)}: {member!r} is damaged ({error}).") from error
    return ArrayHeader(tuple(shape), dtype)


def load_npy(path: Path) -> NDArray[Any]:
    """A single array, memory-mapped."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{printable_path(path)}: not a readable array ({error}).") from error
    return array


def finite_rows(arrays: NDArray[Any]) -> NDArray[np.bool_]:
    """Which tracks of `arrays [tracks, …]` hold neither NaN nor infinity, bool [tracks]."""
    fit = np.ones(len(arrays), dtype=bool)
    if arrays.dtype.kind != "f":
        return fit
    for start in range(0, len(arrays), _ROWS_AT_ONCE):
        block = arrays[start : start + _ROWS_AT_ONCE]
        fit[start : start + len(block)] = np.isfinite(block).all(axis=tuple(range(1, block.ndim)))
    return fit
