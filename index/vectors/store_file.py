"""The file of a store, replaced by one rename, so that readers never see half of a change.

    ┌────────────────────────────────┬──────────────────┬─────────────┬────────┬────────┐
    │ FAISS index with exact vectors │ recent (float32) │ ids (int64) │ header │  tail  │
    └────────────────────────────────┴──────────────────┴─────────────┴────────┴────────┘

FAISS reads its part and ignores the rest: the vectors of the last rows, which are not in the FAISS
index yet, and the ids of all rows. The header (JSON) holds offsets, the state of the catalogue that
the store was built from, and a checksum of everything before it. Opening a store verifies the
checksum, because a flipped bit does not change the file's time; reading 50 MB takes 20 ms. This
module knows neither FAISS nor the catalogue.
"""

import json
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact, UnsupportedFormat
from embedder.whole_files import errors_name

MAGIC = b"SNDALIKE"
FORMAT = 3
ALIGNMENT = 4096
BLOCK_BYTES = 1 << 20
_TAIL = struct.Struct("<II8s")
"""The header's length and checksum, and the magic."""


@dataclass(frozen=True, slots=True)
class StoreHeader:
    """The contents of the file, and the catalogue state that it was built from."""

    format: int
    fingerprint: str
    catalogue_id: str
    revision: int
    token: str
    kind: str
    embedding_size: int
    n_rows: int
    n_lists: int
    code_bytes: int
    recent_offset: int
    n_recent: int
    ids_offset: int
    checksum: int


@dataclass(frozen=True, slots=True)
class StoreSource:
    """The model whose vectors a store holds, and the state of the catalogue at that time."""

    fingerprint: str
    revision: int
    token: str = ""
    """The token of the revision, which no other state has."""
    catalogue_id: str = ""


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
    """Write everything to a temporary file, then rename it to the path."""
    with errors_name(path):
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
                file.flush()  # the checksum is read from the file
                header = StoreHeader(
                    format=FORMAT,
                    fingerprint=source.fingerprint,
                    catalogue_id=source.catalogue_id,
                    revision=source.revision,
                    token=source.token,
                    kind=shape.kind,
                    embedding_size=shape.embedding_size,
                    n_rows=len(ids),
                    n_lists=shape.n_lists,
                    code_bytes=shape.code_bytes,
                    recent_offset=recent_offset,
                    n_recent=len(recent),
                    ids_offset=ids_offset,
                    checksum=_checksum(temporary, end),
                )
                text = json.dumps(asdict(header)).encode()
                file.write(text + _TAIL.pack(len(text), zlib.crc32(text), MAGIC))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return header


def read_header(path: Path) -> StoreHeader:
    """The header of a file; raises CorruptArtefact if it is damaged."""
    header, _ = _header_and_start(path)
    return header


def verified_header(path: Path) -> StoreHeader:
    """The header, after the checksum was verified; raises CorruptArtefact if it is wrong."""
    header, start = _header_and_start(path)
    try:
        checksum = _checksum(path, start)
    except OSError as error:
        raise CorruptArtefact(f"{path}: cannot be read ({error.strerror})") from error
    if checksum != header.checksum:
        raise CorruptArtefact(f"{path}: its checksum is wrong, so it is damaged")
    return header


def _header_and_start(path: Path) -> tuple[StoreHeader, int]:
    """The header, and where it starts in the file."""
    try:
        with path.open("rb") as file:
            n_bytes = file.seek(0, os.SEEK_END)
            file.seek(max(n_bytes - _TAIL.size, 0))
            tail = file.read(_TAIL.size)
            if len(tail) < _TAIL.size or not tail.endswith(MAGIC):
                raise CorruptArtefact(f"{path}: truncated or not an index of soundalike")
            length, header_checksum, _ = _TAIL.unpack(tail)
            start = n_bytes - _TAIL.size - length
            if start < 0:
                raise CorruptArtefact(f"{path}: its header is damaged")
            file.seek(start)
            text = file.read(length)
    except OSError as error:
        raise CorruptArtefact(f"{path}: cannot be read ({error.strerror})") from error
    if zlib.crc32(text) != header_checksum:
        raise CorruptArtefact(f"{path}: its header is damaged")
    return _parse(path, text), start


def read_ids(path: Path, header: StoreHeader) -> NDArray[np.int64]:
    """The id of each row [n]; -1 for a removed row."""
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
    if format_number != FORMAT:
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
    buffer = memoryview(bytearray(BLOCK_BYTES))
    with path.open("rb", buffering=0) as file:
        while n_bytes > 0 and (n_read := file.readinto(buffer[: min(BLOCK_BYTES, n_bytes)])):
            checksum = zlib.crc32(buffer[:n_read], checksum)
            n_bytes -= n_read
    return checksum
