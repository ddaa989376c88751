"""Computed features on disk, by the content of the audio and the front end's settings.

An entry is one file: a line of JSON (type, shape, checksum) padded to 4096 bytes, then the values,
ready for memory mapping. It gets its name only when it is complete (STYLE 39), so any number of
processes can read and write without a lock: two that compute the same entry write the same bytes. A
damaged entry is recognised by its checksum, removed and computed again. If the folder exceeds its
limit, the least recently used entries are removed.
"""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.errors import ConfigError, printable_path
from embedder.whole_files import errors_name

_logger = logging.getLogger(__name__)

_HEADER_BYTES = 4096
_SUFFIX = ".features"
_ENDING_OF_PARTS = ".partial"
_FORMAT = 1
_SHARE_AFTER_EVICTION = 0.9
_SHARE_BETWEEN_COUNTS = 1 / 64
_ABANDONED_SECONDS = 3600.0
_HASH_BLOCK_BYTES = 1 << 20
_TYPES = ("uint8", "float16", "float32")


@dataclass(slots=True)
class CacheCounts:
    """Statistics of a cache object."""

    hits: int = 0
    misses: int = 0
    damaged: int = 0
    evicted: int = 0


class FeatureCache:
    """Arrays by the digest of what they were computed from. Safe with several processes at once."""

    def __init__(
        self, folder: Path, settings_digest: str, *, max_bytes: int = 10_000_000_000
    ) -> None:
        """`settings_digest`: the digest of all settings that the arrays depend on."""
        if max_bytes < 1:
            raise ConfigError(f"a feature cache of {max_bytes} bytes can hold nothing: give more.")
        self.folder = folder
        self.settings_digest = settings_digest
        self.max_bytes = max_bytes
        self.counts = CacheCounts()
        self._estimated_bytes: int | None = None
        self._written_since_count = 0
        self._has_warned = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"{printable_path(folder)}: features cannot be stored there "
                f"({error.strerror or error}). Set dataset.cache_dir to a folder."
            ) from error

    def get(self, content: str) -> NDArray[Any] | None:
        """The array of a content, memory-mapped and read-only; None if there is none."""
        path = self._path(content)
        try:
            array = _read_entry(path)
        except OSError:  # missing or unreadable
            self.counts.misses += 1
            return None
        except (ValueError, KeyError, TypeError, EOFError):  # damaged
            self.counts.damaged += 1
            self.counts.misses += 1
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):  # it may just have been evicted; the mapping stays
            os.utime(path)
        self.counts.hits += 1
        return array

    def put(self, content: str, array: NDArray[Any]) -> None:
        """Store an array (uint8, float16 or float32), and evict others beyond the limit.

        If it cannot be written, a warning says so once.
        """
        try:
            self._keep(content, array)
        except OSError as error:
            if not self._has_warned:
                where, why = printable_path(self.folder), error.strerror or error
                _logger.warning("%s: features cannot be stored for the next run (%s)", where, why)
            self._has_warned = True

    def _keep(self, content: str, array: NDArray[Any]) -> None:
        if array.dtype.name not in _TYPES:
            raise ValueError(f"a {array.dtype.name} array: the cache keeps {', '.join(_TYPES)}")
        entry = _entry_bytes(array)
        if len(entry) > self.max_bytes:
            return  # it would push out everything and still not fit
        path = self._path(content)
        path.parent.mkdir(exist_ok=True)
        replaced = path.stat().st_size if path.exists() else 0
        _replace_file(path, entry)
        self._account(len(entry) - replaced)

    def get_or_compute(self, content: str, compute: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """The stored array; otherwise compute and store it."""
        array = self.get(content)
        if array is None:
            array = compute()
            self.put(content, array)
        return array

    def stored_bytes(self) -> int:
        """The size of all entries, including those of other settings."""
        return sum(size for _, size, _ in self._entries())

    def _path(self, content: str) -> Path:
        return self.folder / content[:2] / f"{content}-{self.settings_digest}{_SUFFIX}"

    def _account(self, n_bytes: int) -> None:
        """Count now and then, since other processes write too, and evict beyond the limit."""
        self._written_since_count += n_bytes
        total = self._estimated_bytes
        if total is None or self._written_since_count > self.max_bytes * _SHARE_BETWEEN_COUNTS:
            total, self._written_since_count = self.stored_bytes(), 0
        else:
            total += n_bytes
        self._estimated_bytes = total
        if total > self.max_bytes:
            self._evict()

    def _evict(self) -> None:
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        target = self.max_bytes * _SHARE_AFTER_EVICTION
        for _, size, path in entries if total > self.max_bytes else ():
            if total <= target:
                break
            path.unlink(missing_ok=True)
            self.counts.evicted += 1
            total -= size
        self._estimated_bytes, self._written_since_count = total, 0

    def _entries(self) -> list[tuple[int, int, Path]]:
        """(last use, size, path) of each entry. Removes leftovers of killed writers."""
        entries = []
        for path in self.folder.glob("??/*"):
            try:
                state = path.stat()
            except FileNotFoundError:
                continue  # another process has just evicted it
            if path.name.endswith(_SUFFIX):
                entries.append((state.st_mtime_ns, state.st_size, path))
            elif (
                path.name.endswith(_ENDING_OF_PARTS)
                and time.time() - state.st_mtime > _ABANDONED_SECONDS
            ):
                path.unlink(missing_ok=True)
        return entries


def digest_of_settings(settings: object) -> str:
    """A short digest of anything that JSON can hold."""
    text = json.dumps([_FORMAT, settings], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def digest_of_file(path: Path) -> str:
    """Of all bytes of a file."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def digest_of_array(array: NDArray[Any]) -> str:
    """Of the values, type and shape of an array."""
    digest = hashlib.blake2b(f"{array.dtype} {array.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _entry_bytes(array: NDArray[Any]) -> bytes:
    values = np.ascontiguousarray(array).tobytes()
    header = {"type": array.dtype.name, "shape": list(array.shape), "crc32": zlib.crc32(values)}
    return json.dumps(header).encode().ljust(_HEADER_BYTES - 1) + b"\n" + values


def _replace_file(path: Path, content: bytes) -> None:
    """All or nothing, but not fsynced: what a power cut damages, the checksum finds."""
    with errors_name(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=_ENDING_OF_PARTS)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _read_entry(path: Path) -> NDArray[Any]:
    """Raises ValueError, KeyError or TypeError for what is no whole entry."""
    with path.open("rb") as file:
        header = json.loads(file.read(_HEADER_BYTES))
        if header["type"] not in _TYPES:
            raise ValueError(header["type"])
        array: NDArray[Any] = np.memmap(
            file, header["type"], mode="r", offset=_HEADER_BYTES, shape=tuple(header["shape"])
        )
        if os.fstat(file.fileno()).st_size != _HEADER_BYTES + array.nbytes:
            raise ValueError("length")
    if zlib.crc32(array.data) != header["crc32"]:
        raise ValueError("checksum")
    return array
