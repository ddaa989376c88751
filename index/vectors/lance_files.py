"""The files of a LanceDB table, in a folder or in S3: their sizes and checksums.

LanceDB writes no checksums. It notices a missing file and not a damaged one, whose wrong lengths
may end the process. So the files of a folder are verified before LanceDB opens them: all of an
index, and of large files of rows the end, where LanceDB keeps what it needs to read them. Their
vectors have checksums of their own. Of files in S3, which verifies what it stores, only the sizes
are compared.
"""

import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from embedder.errors import CorruptArtefact, StorageError, UsageError

S3 = "s3://"
BLOCK_BYTES = 1 << 20
SECONDS_TO_CONNECT = 5
SECONDS_TO_ANSWER = 30
LARGE_BYTES = 64 << 20
END_BYTES = 8 << 20
FOLDERS_OF_INDEXES = "_indices/"
MARKED_FOLDERS = (FOLDERS_OF_INDEXES, "data/", "_deletions/", "_versions/")
MAX_THREADS = 8
Sizes = dict[str, int]
"""By the name of a file, below the folder of the table."""
FileMarks = dict[str, tuple[int, int]]
"""The size of each file, and the CRC-32 of what is verified at opening."""


def checked_address(text: str) -> str:
    """An address as it is stored: a folder's absolute path, or s3://; raises UsageError."""
    if text.startswith(S3):
        bucket, _, folder = text.removeprefix(S3).partition("/")
        if not bucket or not folder.strip("/"):
            raise UsageError(f"lance:{text}: name a bucket and a folder in it: s3://BUCKET/FOLDER")
        return text.rstrip("/")
    if "://" in text:
        raise UsageError(f"lance:{text}: use a folder, or s3://BUCKET/FOLDER")
    if not text:
        raise UsageError("lance needs an address: lance:FOLDER, or lance:s3://BUCKET/FOLDER")
    path = Path(os.path.abspath(Path(text).expanduser()))
    if path.exists() and not path.is_dir():
        raise UsageError(f"lance:{text}: this is a file. Name a folder.")
    return str(path)


def s3_endpoint() -> str:
    """The address of another server than Amazon's, from the usual variables; "" for Amazon's."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def s3_region() -> str:
    """The region from the usual variables."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


class TableFiles:
    """The files below the folder of a table."""

    def __init__(self, address: str, table: str) -> None:
        self.is_local = not address.startswith(S3)
        self._shown = f"{address}/{table}.lance"
        self._system, root = _opened(address)
        self._root = f"{root}/{table}.lance"

    def sizes(self, below: str = "") -> Sizes:
        """The bytes of each file; raises StorageError if the storage cannot be reached."""
        from pyarrow import fs

        folder = f"{self._root}/{below}".rstrip("/")
        selector = fs.FileSelector(folder, allow_not_found=True, recursive=True)
        try:
            files = self._system.get_file_info(selector)
        except OSError as error:
            reason = str(error).splitlines()[0]
            raise StorageError(f"{self._shown}: cannot be reached ({reason})") from error
        start = len(self._root) + 1
        return {file.path[start:]: file.size for file in files if file.type == fs.FileType.File}

    def marks(self, known: FileMarks) -> FileMarks:
        """The marks of all files. A file is never changed, so known marks are taken over."""
        sizes = {
            name: size
            for name, size in self.sizes().items()
            if name.startswith(MARKED_FOLDERS) and not name.endswith(".json")
        }
        new = [name for name in sizes if known.get(name, (-1,))[0] != sizes[name]]
        fresh = dict(zip(new, self._checksums(new, sizes), strict=True))
        return {
            name: (size, fresh[name] if name in fresh else known[name][1])
            for name, size in sizes.items()
        }

    def check(self, marks: FileMarks) -> None:
        """Raise CorruptArtefact if a marked file that is there is not what was written."""
        sizes = self.sizes()
        names = [name for name in marks if name in sizes]  # others went with an older version
        for name, checksum in zip(names, self._checksums(names, sizes), strict=True):
            if (sizes[name], checksum) != marks[name]:
                raise CorruptArtefact(f"{self._shown}/{name}: not what was written")

    def _checksums(self, names: list[str], sizes: Sizes) -> list[int]:
        if not self.is_local:
            return [0] * len(names)
        with ThreadPoolExecutor(MAX_THREADS) as pool:
            return list(pool.map(lambda name: self._checksum(name, sizes[name]), names))

    def _checksum(self, name: str, size: int) -> int:
        is_whole = size <= LARGE_BYTES or name.startswith(FOLDERS_OF_INDEXES)
        checksum = 0
        try:
            with self._system.open_input_file(f"{self._root}/{name}") as file:
                file.seek(0 if is_whole else size - END_BYTES)
                while block := file.read(BLOCK_BYTES):
                    checksum = zlib.crc32(block, checksum)
        except OSError as error:
            raise StorageError(f"{self._shown}/{name}: cannot be read ({error})") from error
        return checksum


def _opened(address: str) -> tuple[Any, str]:
    """Pyarrow's file system for an address, and the path in it."""
    from pyarrow import fs

    if not address.startswith(S3):
        return fs.LocalFileSystem(), Path(address).as_posix()
    endpoint = urlsplit(s3_endpoint())
    system = fs.S3FileSystem(
        endpoint_override=endpoint.netloc or None,
        scheme=endpoint.scheme or "https",
        region=s3_region(),
        connect_timeout=SECONDS_TO_CONNECT,
        request_timeout=SECONDS_TO_ANSWER,
    )
    return system, address.removeprefix(S3)
