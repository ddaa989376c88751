"""Folders on a disk and on object stores, by one set of calls: list, read, write whole.

An address with `://` goes to pyarrow: `s3://bucket/folder`, `gs://…`. It takes credentials, region
and endpoint from the environment (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …). Everything else is a
path here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from pyarrow import ArrowInvalid, ArrowNotImplementedError, fs

from embedder.errors import BadInput, StorageError, UsageError
from embedder.whole_files import write_whole

_REMOTE = "://"


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file: its full address, its size, and when it was written, in nanoseconds."""

    address: str
    size_bytes: int
    modified_ns: int


class Place:
    """A folder or a file, on a disk or on an object store."""

    def __init__(self, address: str) -> None:
        self.is_remote = is_remote(address)
        self.address = address.rstrip("/") if self.is_remote else os.path.abspath(address)
        self._files: fs.FileSystem
        if not self.is_remote:
            self._files, self._root = fs.LocalFileSystem(), self.address
            return
        try:
            with _explained(self.address):
                self._files, self._root = fs.FileSystem.from_uri(_quoted(self.address))
        except (ArrowInvalid, ArrowNotImplementedError) as error:
            raise UsageError(f"{address}: no address of an object store ({error})") from error

    def files(self) -> list[PlacedFile]:
        """All files below, or the file itself, by their names; empty if there is nothing."""
        with _explained(self.address):
            info = self._files.get_file_info(self._root)
            if info.type == fs.FileType.File:
                return [self._placed(info)]
            selector = fs.FileSelector(self._root, recursive=True, allow_not_found=True)
            infos = self._files.get_file_info(selector)
        placed = [self._placed(info) for info in infos if info.type == fs.FileType.File]
        return sorted(placed, key=lambda file: file.address)

    def read(self, address: str) -> bytes:
        """A file's content."""
        with _explained(address), self._files.open_input_stream(self._inner(address)) as stream:
            return bytes(stream.read())

    def fetch(self, address: str, target: Path) -> None:
        """Copy a file's content to a file here, a block at a time."""
        with (
            _explained(address),
            self._files.open_input_stream(self._inner(address)) as stream,
            target.open("wb") as file,
        ):
            while block := stream.read(1 << 20):
                file.write(block)

    def has(self, name: str) -> bool:
        """Whether a file of this name is here."""
        with _explained(self.address):
            info = self._files.get_file_info(f"{self._root}/{name}")
        return bool(info.type == fs.FileType.File)

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole: no reader ever meets a part of it."""
        if not self.is_remote:
            folder = Path(self._root)
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / name, content)
            return
        with (
            _explained(self.address),
            self._files.open_output_stream(f"{self._root}/{name}") as stream,
        ):
            stream.write(content)  # an object appears when it is complete

    def _placed(self, info: fs.FileInfo) -> PlacedFile:
        modified = info.mtime_ns
        if modified is None:
            modified = int(info.mtime.timestamp()) if isinstance(info.mtime, datetime) else 0
        return PlacedFile(self._outer(info.path), info.size or 0, modified)

    def _outer(self, inner: str) -> str:
        return self.address + inner[len(self._root) :]

    def _inner(self, address: str) -> str:
        return self._root + address[len(self.address) :]


def is_remote(address: str) -> bool:
    """Whether an address is one of an object store."""
    return _REMOTE in address


def _quoted(address: str) -> str:
    """The address with every sign of its path as itself: a name may have spaces, ? and #."""
    scheme, _, rest = address.partition(_REMOTE)
    bucket, slash, path = rest.partition("/")
    return f"{scheme}{_REMOTE}{bucket}{slash}{quote(os.fsencode(path))}"


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """An error of the store says where."""
    try:
        yield
    except FileNotFoundError as error:
        raise BadInput(f"{address}: no such file or folder") from error
    except OSError as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StorageError(f"{address}: {reason}") from error
