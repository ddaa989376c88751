"""One file for a store, replaced in one rename, so that readers never see half of a change.

    ┌────────────────────────────────┬──────────────────┬─────────────┬────────┬────────┐
    │ FAISS index with exact vectors │ recent (float32) │ ids (int64) │ header │  tail  │
    └────────────────────────────────┴──────────────────┴─────────────┴────────┴────────┘

FAISS reads its part and ignores what follows: the vectors of the last rows, which are not in the
FAISS index yet, and the ids of all. The header (JSON) holds offsets, what the store was made from,
a checksum and the time of writing, which is also given to the file: as long as the file's time is
that time nobody has touched it, and opening it need not read it all. Knows neither FAISS nor the
catalogue.
"""

import json
import os
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact, UnsupportedFormat

MAGIC = b"SNDALIKE"
FORMAT = 2
FORMAT_WITHOUT_RECENT = 1
ALIGNMENT = 4096
BLOCK_BYTES = 1 << 22
_TAIL = struct.Struct("<II8s")
"""The header's length and checksum, and the magic."""


@dataclass(frozen=True, slots=True)
class StoreHeader:
    """What stands in the file, and what it was made from."""

    format: int
    fingerprint: str
    revision: int
    kind: str
    embedding_size: int
    n_rows: int
    n_lists: int
    code_bytes: int
    recent_offset: int
    n_recent: int
    ids_offset: int
    written_ns: int
    checksum: int


@dataclass(frozen=True, slots=True)
class StoreSource:
    """Which model's vectors a store holds, as of which revision of the catalogue."""

    fingerprint: str
    revision: int


@dataclass(frozen=True, slots=True)
class StoreShape:
    """How the FAISS part of a file is built."""

    kind: str
    embedding_size: int
    n_lists: int
    code_bytes: int


def write_store_file(
    path: Path,
    shape: StoreShape,
    *,
    source: StoreSource,
    write_faiss: Callable[[Path], None],
    recent: NDArray[np.float32],
    ids: NDArray[np.int64],
) -> StoreHeader:
    """Write all to a temporary file, then put it in the old one's place."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        write_faiss(temporary)
        with temporary.open("r+b") as file:
            file.seek(0, os.SEEK_END)
            recent_offset = _pad(file.tell(), file.write)
            file.write(np.ascontiguousarray(recent).data)
            ids_offset = _pad(file.tell(), file.write)
            file.write(np.ascontiguousarray(ids).data)
            end = file.tell()
            file.flush()  # the checksum is of what has reached the file
            # Whole even seconds survive every file system's idea of a time of change.
            written_ns = time.time_ns() // 2_000_000_000 * 2_000_000_000
            header = StoreHeader(
                format=FORMAT,
                fingerprint=source.fingerprint,
                revision=source.revision,
                kind=shape.kind,
                embedding_size=shape.embedding_size,
                n_rows=len(ids),
                n_lists=shape.n_lists,
                code_bytes=shape.code_bytes,
                recent_offset=recent_offset,
                n_recent=len(recent),
                ids_offset=ids_offset,
                written_ns=written_ns,
                checksum=_checksum(temporary, end),
            )
            text = json.dumps(asdict(header)).encode()
            file.write(text + _TAIL.pack(len(text), zlib.crc32(text), MAGIC))
            file.flush()
            os.fsync(file.fileno())
        os.utime(temporary, ns=(written_ns, written_ns))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return header


def read_header(path: Path, *, check_all: bool = False) -> StoreHeader:
    """The header of a file that can be trusted; raises CorruptArtefact where it cannot be.

    The whole file is read if its time of change is not the one that was written into it (it
    was copied, or damaged), or with `check_all`.
    """
    try:
        with path.open("rb") as file:
            n_bytes = file.seek(0, os.SEEK_END)
            file.seek(max(n_bytes - _TAIL.size, 0))
            tail = file.read(_TAIL.size)
            if len(tail) < _TAIL.size or not tail.endswith(MAGIC):
                raise CorruptArtefact(f"{path}: truncated or not an index of soundalike")
            length, header_checksum, _ = _TAIL.unpack(tail)
            end = n_bytes - _TAIL.size - length
            file.seek(max(end, 0))
            text = file.read(length)
            if zlib.crc32(text) != header_checksum:
                raise CorruptArtefact(f"{path}: its header is damaged")
            header = _parse(path, text)
    except OSError as error:
        raise CorruptArtefact(f"{path}: cannot be read ({error.strerror})") from error
    untouched = path.stat().st_mtime_ns == header.written_ns
    if (check_all or not untouched) and _checksum(path, end) != header.checksum:
        raise CorruptArtefact(f"{path}: its checksum does not fit, so it was damaged")
    return header


def read_ids(path: Path, header: StoreHeader) -> NDArray[np.int64]:
    """The id of each row [n]; -1 where a row was removed."""
    return np.fromfile(path, dtype=np.int64, count=header.n_rows, offset=header.ids_offset)


def read_recent(path: Path, header: StoreHeader) -> NDArray[np.float32]:
    """The vectors [n, d] of the last rows, which are not in the FAISS index yet."""
    n_values = header.n_recent * header.embedding_size
    values = np.fromfile(path, dtype=np.float32, count=n_values, offset=header.recent_offset)
    return values.reshape(header.n_recent, header.embedding_size)


def _parse(path: Path, text: bytes) -> StoreHeader:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise CorruptArtefact(f"{path}: its header is damaged") from error
    format_number = values.get("format") if isinstance(values, dict) else values
    if format_number == FORMAT_WITHOUT_RECENT:
        values |= {"recent_offset": values.get("ids_offset"), "n_recent": 0}
    elif format_number != FORMAT:
        raise UnsupportedFormat(f"{path}: format {format_number}, this version reads {FORMAT}")
    try:
        return StoreHeader(**values)
    except TypeError as error:
        raise CorruptArtefact(f"{path}: its header is incomplete") from error


def _pad(position: int, write: Callable[[bytes], int]) -> int:
    n_missing = -position % ALIGNMENT
    write(bytes(n_missing))
    return position + n_missing


def _checksum(path: Path, n_bytes: int) -> int:
    """CRC-32 of the first n bytes."""
    checksum = 0
    with path.open("rb", buffering=0) as file:
        while n_bytes > 0 and (block := file.read(min(BLOCK_BYTES, n_bytes))):
            checksum = zlib.crc32(block, checksum)
            n_bytes -= len(block)
    return checksum
