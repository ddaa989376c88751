"""One writer at a time: a lock that the operating system takes back when its holder dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from embedder.errors import LibraryBusy, StorageError

LOCK_NAME = "library.lock"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the library's lock; raises LibraryBusy, with the holder's process id, if it is held.

    The file stays when the lock goes: deleting it would let two processes hold different files
    of one name.
    """
    path = folder / LOCK_NAME
    try:
        file = path.open("a+b", buffering=0)  # so that closing writes nothing
    except OSError as error:
        raise StorageError(
            f"{folder}: the library cannot be written to ({error.strerror}). Check the "
            "folder's permissions, or copy the library to where you may write."
        ) from error
    with file:
        if not _try_to_lock(file):
            raise LibraryBusy(f"{folder}: {_holder(file)} is writing to the library. Wait for it.")
        try:
            file.truncate(0)
            file.write(str(os.getpid()).encode())
        except OSError as error:
            raise StorageError(f"{path}: cannot be written ({error.strerror}).") from error
        yield


def _holder(file: BinaryIO) -> str:
    try:
        file.seek(0)
        text = file.read(20).decode("ascii", "replace").strip()
    except OSError:  # Windows refuses to read a locked file
        text = ""
    return f"process {text}" if text.isdigit() else "another process"


def _try_to_lock(file: BinaryIO) -> bool:
    """Lock the file until it is closed; false if another process has it."""
    try:
        if os.name == "nt":
            import msvcrt  # Windows alone has it

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # Windows
        else:
            import fcntl  # Windows has none

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
