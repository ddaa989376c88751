"""The files of a LanceDB table, in a folder or in S3: their sizes and checksums.

LanceDB writes no checksums. Its own metadata notices a missing file, and not a damaged one.
"""

import os
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from embedder.errors import StorageError, UsageError

S3 = "s3://"
BLOCK_BYTES = 1 << 20
SECONDS_TO_CONNECT = 5
SECONDS_TO_ANSWER = 30
Sizes = dict[str, int]
"""By the name of a file, below the folder of the table."""


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

    def checksum(self, name: str) -> int:
        """The CRC-32 of a file; raises StorageError if it cannot be read."""
        checksum = 0
        try:
            with self._system.open_input_stream(f"{self._root}/{name}") as stream:
                while block := stream.read(BLOCK_BYTES):
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
