"""Write files and folders whole or not at all: temporary name, flush, fsync, rename.

It never writes into a file or folder that has its final name.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from embedder.errors import BadInput, OutputExists, UsageError, printable_path

_IN_PROGRESS = re.compile(r"\.(?P<final>.+)\.[a-z0-9_]{8}(?P<is_file>\.partial)?")
"""The temporary names: a dot, the final name, what `tempfile` adds, and the suffix of files."""


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path`; after a crash `path` still has its old content, or none."""
    with errors_name(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())  # mkstemp's files are for their owner only
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)


@contextmanager
def errors_name(path: Path) -> Iterator[None]:
    """An OSError of the block names `path`: a failed write names no file, others a temporary one.

    The errors keep their types and numbers.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """An empty folder to fill, which then becomes `target`; an old one goes with all its files.

    If the block raises, `target` stays as it was. An OSError of the block that names a file of
    the folder names it by its place in `target`.
    """
    _check_above(target)
    with errors_name(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        folder = scratch / target.name
        folder.mkdir()
        yield folder
        if target.exists():
            target.rename(scratch / "replaced")
        folder.rename(target)
    except OSError as error:
        if error.errno is None or not _is_below(error.filename, scratch):
            raise
        place = target.parent / Path(error.filename).relative_to(scratch)
        raise OSError(error.errno, error.strerror, str(place)) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def remove_leftovers(folder: Path, *, folder_names: Collection[str] = ()) -> None:
    """Remove what `write_whole` and `whole_folder` left in a folder when they were killed.

    Only unfinished folders with these final names go. The caller knows that no other process
    writes to the folder.
    """
    for path in folder.glob(".*"):
        match = _IN_PROGRESS.fullmatch(path.name)
        if match is None:
            continue
        if match["is_file"]:
            path.unlink()
        elif match["final"] in folder_names and path.is_dir():
            shutil.rmtree(path)


def check_output(path: Path, *, force: bool) -> None:
    """Refuse an output file that cannot be written, before any work is done for it."""
    if path.is_dir():
        raise UsageError(f"{printable_path(path)} is a folder. Name a file.")
    if path.exists() and not force:
        raise OutputExists(path)
    _check_above(path)


def check_output_folder(folder: Path) -> None:
    """Raise UsageError if the path, or one above it, is a file."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{printable_path(folder)} is a file. Name a folder.")
    _check_above(folder)


def _check_above(path: Path) -> None:
    above = next((folder for folder in path.parents if folder.exists()), None)
    if above is not None and not above.is_dir():
        raise UsageError(f"{printable_path(above)} is a file, so it holds no {path.name}.")
    if above is not None and not os.access(above, os.W_OK | os.X_OK):
        raise BadInput(f"{printable_path(above)}: cannot be written to. Name another folder.")


def _is_below(name: object, folder: Path) -> bool:
    return isinstance(name, str) and Path(name).is_relative_to(folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable. Windows cannot open a folder, and needs no sync."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
