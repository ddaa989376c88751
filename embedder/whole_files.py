"""Files that are either whole or not there: temporary file, flush, fsync, rename."""

import os
import tempfile
from pathlib import Path

from embedder.errors import OutputExists, UsageError, printable_path


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path`; a crash leaves the file that was there, or none."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp gives it to its owner alone
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def check_output(path: Path, *, force: bool) -> None:
    """Refuse a file that cannot be written there, before any work is done for it."""
    if path.is_dir():
        raise UsageError(f"{printable_path(path)}: is a folder. Name a file.")
    if path.exists() and not force:
        raise OutputExists(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; Windows cannot open a folder, and needs no such thing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
