"""The tensors of a TensorFlow checkpoint: an index file, and a data file of raw values.

The index has an entry for each tensor (BundleEntryProto): its type, shape, place in the data, and
checksum. Under the empty key it has a header. Only float32 tensors in one data file are read.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.models.get.checkpoint.crc32c import masked_crc32c
from embedder.models.get.checkpoint.table import table_entries
from embedder.models.get.checkpoint.wire import BrokenFile, fields_of

FLOAT32 = 1
MAX_TENSORS = 10_000
MAX_AXES = 8


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Where a tensor is in the data file."""

    kind: int
    shape: tuple[int, ...]
    offset: int
    size: int
    checksum: int


def read_checkpoint(
    index_data: bytes, tensor_data: bytes, *, wanted: Callable[[str], bool] = lambda _: True
) -> dict[str, NDArray[np.float32]]:
    """The tensors with a wanted name; raises BrokenFile if either file is not intact.

    An optimiser's moments, which checkpoints also hold, need not be wanted.
    """
    entries = read_index(index_data)
    return {
        name: _tensor(name, entry, tensor_data) for name, entry in entries.items() if wanted(name)
    }


def read_index(data: bytes) -> dict[str, TensorEntry]:
    """The entries of an index file by the tensors' names."""
    entries: dict[str, TensorEntry] = {}
    has_header = False
    for key, value in table_entries(data):
        if not key:
            _check_header(value)
            has_header = True
            continue
        if len(entries) >= MAX_TENSORS:
            raise BrokenFile(f"it names more than {MAX_TENSORS} tensors")
        try:
            name = key.decode()
        except UnicodeDecodeError as error:
            raise BrokenFile("a tensor's name is no text") from error
        entries[name] = _entry(name, value)
    if not has_header:
        raise BrokenFile("it has no header: it is no index of a checkpoint")
    return entries


def _check_header(message: bytes) -> None:
    fields = dict(fields_of(message))
    n_files, is_big_endian = fields.get(1, 0), fields.get(2, 0)
    if n_files != 1 or is_big_endian:
        raise BrokenFile("the checkpoint is in several files, or of a big-endian machine")


def _entry(name: str, message: bytes) -> TensorEntry:
    numbers = {1: 0, 3: 0, 4: 0, 5: 0, 6: 0}
    shape: tuple[int, ...] = ()
    for field, value in fields_of(message):
        if field == 2 and isinstance(value, bytes):
            shape = _shape(value)
        elif field in numbers and isinstance(value, int):
            numbers[field] = value
        else:
            raise BrokenFile(f"the entry of {name} has a field that is not supported ({field})")
    if numbers[3]:
        raise BrokenFile(f"{name} is in another data file")
    if len(shape) > MAX_AXES:
        raise BrokenFile(f"{name} has {len(shape)} axes")
    return TensorEntry(
        kind=numbers[1], shape=shape, offset=numbers[4], size=numbers[5], checksum=numbers[6]
    )


def _shape(message: bytes) -> tuple[int, ...]:
    shape = []
    for field, dimension in fields_of(message):
        if field != 2 or not isinstance(dimension, bytes):
            raise BrokenFile("a tensor has a shape that is not known")
        size = dict(fields_of(dimension)).get(1, 0)
        if not isinstance(size, int) or size >= 2**63:
            raise BrokenFile("a tensor has a negative size")
        shape.append(size)
    return tuple(shape)


def _tensor(name: str, entry: TensorEntry, data: bytes) -> NDArray[np.float32]:
    if entry.kind != FLOAT32:
        raise BrokenFile(f"{name} is of the type {entry.kind}, and only float32 is supported")
    expected = 4 * math.prod(entry.shape)
    if entry.size != expected:
        raise BrokenFile(
            f"{name} has {entry.size} bytes, and its shape {list(entry.shape)} needs {expected}"
        )
    end = entry.offset + entry.size
    if end > len(data):
        raise BrokenFile(f"the data file ends before {name}: it was cut off")
    raw = data[entry.offset : end]
    if masked_crc32c(raw) != entry.checksum:
        raise BrokenFile(f"the values of {name} have another checksum than they should")
    values = np.frombuffer(raw, dtype="<f4").astype(np.float32)
    if not np.isfinite(values).all():
        raise BrokenFile(f"{name} has values that are not finite")
    try:
        return values.reshape(entry.shape)
    except ValueError as error:  # no values, and axes whose sizes numpy cannot count
        raise BrokenFile(f"{name} has the impossible shape {list(entry.shape)}") from error
