"""The file of a store, replaced by one rename, so that readers never see half of a change.

    ┌───────────────────────┬────────┬─────┬───────────────────┬────────┬──────┐
    │ FAISS index           │ recent │ ids │ checksums of rows │ header │ tail │
    │ …… exact vectors …    │        │     │                   │        │      │
    └───────────────────────┴────────┴─────┴───────────────────┴────────┴──────┘

FAISS reads its part and ignores what follows: the vectors of the last rows (float32), which are
not in the FAISS index yet, and the ids of all (int64). The header (JSON) holds offsets, the state
of the catalogue that the store was made from, and checksums.

Opening a store verifies all that a search walks through: a flipped bit leaves the file's time as it
was. Exact vectors that FAISS keeps apart, to rank the hits of a graph or of lists, are the largest
part of a large file, and a search reads few of them: each of their rows has a checksum, which is
verified when the row is read. Knows neither FAISS nor the catalogue.
"""

import json
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact, UnsupportedFormat
from embedder.whole_files import errors_name
from index.vectors.distances import FloatMatrix
from index.vectors.file_checks import Stretch, checksums_of, stretches
from index.vectors.row_checks import Checksums

MAGIC = b"SNDALIKE"
FORMAT = 4
ALIGNMENT = 4096
MAX_FAISS_TAIL = 64
"""FAISS writes four bytes behind the exact vectors."""
_TAIL = struct.Struct("<II8s")
"""The header's length and checksum, and the magic."""


@dataclass(frozen=True, slots=True)
class StoreSource:
    """Which model's vectors a store holds, and the catalogue's state at that time."""

    fingerprint: str
    revision: int
    token: str = ""
    """Of the revision: no other state has it."""
    catalogue_id: str = ""


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
    exact_offset: int
    n_exact: int
    """Exact vectors that are verified row by row; 0: all is verified at opening."""
    recent_offset: int
    n_recent: int
    ids_offset: int
    row_checksums_offset: int
    checksums: tuple[int, ...]
    """Of `parts_verified_at_opening`."""

    @property
    def source(self) -> StoreSource:
        """What the store was made from."""
        return StoreSource(self.fingerprint, self.revision, self.token, self.catalogue_id)

    def parts_verified_at_opening(self) -> list[Stretch]:
        """All before the checksums of rows but the exact vectors."""
        exact_end = self.exact_offset + 4 * self.n_exact * self.embedding_size
        return stretches([(0, self.exact_offset), (exact_end, self.row_checksums_offset)])


@dataclass(frozen=True, slots=True)
class StoreShape:
    """How the FAISS part of a file is built."""

    kind: str
    embedding_size: int
    n_lists: int
    code_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class ExactRows:
    """Exact vectors that FAISS keeps apart. vectors: float32 [n, d]; checksums: [n]"""

    vectors: FloatMatrix
    checksums: Checksums


def write_store_file(
    path: Path,
    shape: StoreShape,
    *,
    source: StoreSource,
    write_faiss: Callable[[Path], None],
    exact: ExactRows | None,
    recent: FloatMatrix,
    ids: NDArray[np.int64],
) -> StoreHeader:
    """Write all to a temporary file, then put it in the old one's place."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with errors_name(path):
        try:
            write_faiss(temporary)
            header = _write_rest(temporary, shape, source, exact=exact, recent=recent, ids=ids)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return header


def _write_rest(
    path: Path,
    shape: StoreShape,
    source: StoreSource,
    *,
    exact: ExactRows | None,
    recent: FloatMatrix,
    ids: NDArray[np.int64],
) -> StoreHeader:
    """Write what follows FAISS's part of a file."""
    with path.open("r+b") as file:
        exact_offset = _find(file, exact.vectors) if exact else None
        n_exact = len(exact.vectors) if exact and exact_offset is not None else 0
        file.seek(0, os.SEEK_END)
        recent_offset = _pad(file.tell(), file.write)
        file.write(np.ascontiguousarray(recent).data)
        ids_offset = _pad(file.tell(), file.write)
        file.write(np.ascontiguousarray(ids).data)
        row_checksums_offset = _pad(file.tell(), file.write)
        if exact and n_exact:
            file.write(np.ascontiguousarray(exact.checksums).data)
        file.flush()  # the checksums are of what has reached the file
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
            exact_offset=exact_offset or 0,
            n_exact=n_exact,
            recent_offset=recent_offset,
            n_recent=len(recent),
            ids_offset=ids_offset,
            row_checksums_offset=row_checksums_offset,
            checksums=(),
        )
        parts = header.parts_verified_at_opening()
        header = replace(header, checksums=tuple(checksums_of(path, parts)))
        text = json.dumps(asdict(header)).encode()
        file.write(text + _TAIL.pack(len(text), zlib.crc32(text), MAGIC))
        file.flush()
        os.fsync(file.fileno())
    return header


def read_header(path: Path) -> StoreHeader:
    """The header of a file; raises CorruptArtefact if it is damaged."""
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
    return _parse(path, text)


def verified_header(path: Path) -> StoreHeader:
    """The header of a file that is what was written, but for the exact vectors of its rows.

    Raises CorruptArtefact if it is not.
    """
    header = read_header(path)
    try:
        checksums = checksums_of(path, header.parts_verified_at_opening())
    except OSError as error:
        raise CorruptArtefact(f"{path}: cannot be read ({error.strerror})") from error
    if tuple(checksums) != header.checksums:
        raise CorruptArtefact(f"{path}: its checksum is wrong, so it is damaged")
    return header


def read_ids(path: Path, header: StoreHeader) -> NDArray[np.int64]:
    """The id of each row [n]; -1 for a removed row."""
    return np.fromfile(path, dtype=np.int64, count=header.n_rows, offset=header.ids_offset)


def read_recent(path: Path, header: StoreHeader) -> NDArray[np.float32]:
    """The vectors [n, d] of the last rows, which are not in the FAISS index yet."""
    n_values = header.n_recent * header.embedding_size
    values = np.fromfile(path, dtype=np.float32, count=n_values, offset=header.recent_offset)
    return values.reshape(header.n_recent, header.embedding_size)


def read_row_checksums(path: Path, header: StoreHeader) -> Checksums:
    """The checksums [n] of the exact vectors, mapped."""
    mapped = np.memmap(
        path, np.uint64, mode="r", offset=header.row_checksums_offset, shape=(header.n_exact,)
    )
    return np.asarray(mapped)


def _parse(path: Path, text: bytes) -> StoreHeader:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise CorruptArtefact(f"{path}: its header is damaged") from error
    format_number = values.get("format") if isinstance(values, dict) else values
    if format_number != FORMAT:
        raise UnsupportedFormat(f"{path}: format {format_number}, this version reads {FORMAT}")
    try:
        header = StoreHeader(**values)
        return replace(header, checksums=tuple(header.checksums))
    except TypeError as error:
        raise CorruptArtefact(f"{path}: its header is incomplete") from error


def _pad(position: int, write: Callable[[bytes], int]) -> int:
    n_missing = -position % ALIGNMENT
    write(bytes(n_missing))
    return position + n_missing


def _find(file: BinaryIO, vectors: FloatMatrix) -> int | None:
    """Where FAISS has written vectors [n, d], behind all else; None if they are not there."""
    if not len(vectors):
        return None
    n_row_bytes = 4 * vectors.shape[1]
    end = file.seek(0, os.SEEK_END)
    for tail in range(0, MAX_FAISS_TAIL + 1, 4):
        start: int = end - tail - len(vectors) * n_row_bytes
        is_here = start >= 0 and all(
            _read_at(file, start + row * n_row_bytes, n_row_bytes) == vectors[row].tobytes()
            for row in (0, len(vectors) - 1)
        )
        if is_here:
            return start
    return None


def _read_at(file: BinaryIO, position: int, n_bytes: int) -> bytes:
    file.seek(position)
    return file.read(n_bytes)
