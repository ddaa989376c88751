"""Audio files below a folder. Links to folders are not followed, hidden files are not seen."""

import os
from collections.abc import Iterator
from pathlib import Path

from embedder.audio.suffixes import AUDIO_SUFFIXES


def audio_files_below(folder: Path) -> Iterator[Path]:
    """Every file with the name of an audio file, in the order of its path."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix[1:].lower() in AUDIO_SUFFIXES:
                yield Path(parent) / name


def reason_unusable(path: Path) -> str | None:
    """Why a file that a table lists cannot be used, as far as that shows without decoding it."""
    try:
        if path.is_dir():
            return "is a folder"
        if path.exists() and not path.is_file():
            return "is a pipe, socket or device, not a regular file"
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return "no such file"
    except OSError as error:
        return error.strerror or str(error)
    return "empty file" if size == 0 else None


def key_below(path: Path, folder: Path) -> str:
    """The path relative to the folder, written the same on every system."""
    return path.relative_to(folder).as_posix()
