"""A folder with a .npy file for each track: which of its files fit into one array.

Unreadable files are left out with a reason. A few files of another shape, or much shorter than the
rest, are left out too. If there are many, other shapes are an error, and all arrays are cut to the
shortest (`ArrayStore.load`).
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from embedder.datasets.array_stores import MUCH_SHORTER, NUMBERS, ArrayKind, ArrayStore, load_npy
from embedder.datasets.records import LeftOut
from embedder.errors import DatasetError, printable_path

FEW = 0.2
"""Up to this share of the files, files that do not fit count as mistakes and are left out."""
_KINDS: dict[int, ArrayKind] = {1: "waveforms", 2: "spectrograms"}

Shapes = dict[Path, tuple[int, ...]]


def store_of_files(path: Path) -> tuple[ArrayStore, list[LeftOut]]:
    """The store of all fitting .npy files below a folder, and the files that were left out."""
    files = sorted(path.rglob("*.npy"))
    if not files:
        raise DatasetError(f"{printable_path(path)}: no .npy files in it.")
    shapes: Shapes = {}
    left_out: list[LeftOut] = []
    for file in files:
        shape_or_reason = _shape_or_reason(file)
        if isinstance(shape_or_reason, str):
            left_out.append(LeftOut(file, shape_or_reason))
        else:
            shapes[file] = shape_or_reason
    if not shapes:
        first = left_out[0]
        raise DatasetError(
            f"{printable_path(path)}: none of its {len(files)} .npy files can be used. The first: "
            f"{printable_path(first.path)} ({first.reason})."
        )
    left_out += _remove_odd_shapes(path, shapes)
    left_out += _remove_short_arrays(shapes)
    files = list(shapes)
    shape = shapes[files[0]]
    return ArrayStore(_KINDS[len(shape)], tuple(files), len(files), shape), left_out


def _shape_or_reason(file: Path) -> tuple[int, ...] | str:
    try:
        array = load_npy(file)
    except DatasetError as error:
        return str(error).removeprefix(f"{printable_path(file)}: ").rstrip(".")
    if array.dtype.kind not in NUMBERS:
        return f"holds no numbers ({array.dtype})"
    if array.ndim not in _KINDS:
        return f"the shape {list(array.shape)}, [samples] or [rows, columns] is needed"
    return "holds no values" if not array.size else tuple(array.shape)


def _remove_odd_shapes(path: Path, shapes: Shapes) -> list[LeftOut]:
    """Leave out the few files with another number of rows than the rest."""
    counts = Counter(shape[:-1] for shape in shapes.values())
    usual = counts.most_common(1)[0][0]
    odd = [file for file, shape in shapes.items() if shape[:-1] != usual]
    if len(odd) > FEW * len(shapes):
        raise DatasetError(
            f"{printable_path(path)}: the .npy files differ in shape ({sorted(counts)} before "
            "the last axis). Each must be [samples], or each [rows, columns] with equal rows."
        )
    return _remove(shapes, odd, "the shape {shape}, unlike all others")


def _remove_short_arrays(shapes: Shapes) -> list[LeftOut]:
    """Leave out a few short files, because all others would be cut to their length."""
    usual = float(np.median([shape[-1] for shape in shapes.values()]))
    short = [file for file, shape in shapes.items() if shape[-1] < MUCH_SHORTER * usual]
    if len(short) > FEW * len(shapes):
        return []
    return _remove(shapes, short, f"{{length}} values long, the others about {usual:.0f}")


def _remove(shapes: Shapes, files: Sequence[Path], reason: str) -> list[LeftOut]:
    removed_shapes = [(file, shapes.pop(file)) for file in files]
    return [
        LeftOut(file, reason.format(shape=list(shape), length=shape[-1]))
        for file, shape in removed_shapes
    ]
