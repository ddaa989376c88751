"""Temporary files that processes left in a library's folder when they were killed."""

import re
import time
from pathlib import Path

_OF_A_WRITER = re.compile(r"(vectors\.faiss|library)\.\d+\.tmp")
"""Written with the library's lock held, so the process that holds it now may delete it."""
_OF_ANYONE = re.compile(r"\..+\.partial")
"""Written without the lock: maps and exports."""
MIN_AGE_SECONDS = 3600.0


def remove_leftovers(folder: Path) -> None:
    """Delete them; the caller holds the library's lock."""
    oldest = time.time() - MIN_AGE_SECONDS
    for path in folder.iterdir():
        is_old = _OF_ANYONE.fullmatch(path.name) and path.lstat().st_mtime < oldest
        if is_old or _OF_A_WRITER.fullmatch(path.name):
            path.unlink(missing_ok=True)
