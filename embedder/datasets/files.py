"""Audio files below a folder. Links to folders are not followed, hidden files are ignored."""

import os
from collections.abc import Iterator
from pathlib import Path

from embedder.audio.suffixes import AUDIO_SUFFIXES
from embedder.errors import DatasetError, printable_path

NO_SUCH_FILE = "no such file"


def audio_files_below(folder: Path) -> Iterator[Path]:
    """Every file with an audio suffix, in the order of its path."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix[1:].lower() in AUDIO_SUFFIXES:
                yield Path(parent) / name


def reason_unusable(path: Path) -> str | None:
    """Why a listed file cannot be used, without decoding it. None: no reason."""
    try:
        if path.is_dir():
            return "is a folder"
        if path.exists() and not path.is_file():
            return "is a pipe, socket or device, not a regular file"
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return NO_SUCH_FILE
    except OSError as error:
        return error.strerror or str(error)
    return "empty file" if size == 0 else None


def check_exists(path: Path) -> None:
    """Raise DatasetError for a missing path. Needs no torch, so commands can call it first."""
    if not path.exists():
        raise DatasetError(f"{printable_path(path)}: no such file or folder.")


def key_below(path: Path, folder: Path) -> str:
    """The path relative to the folder, written the same on every system."""
    return path.relative_to(folder).as_posix()
