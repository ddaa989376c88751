"""The errors of SQLite in terms of what the user can do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedder.errors import CorruptArtefact, LibraryBusy, SoundalikeError, StorageError


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """SQLite's errors in terms of what the user can do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _explanation(path, error) from error


def _explanation(path: Path, error: sqlite3.DatabaseError) -> SoundalikeError:
    text = str(error).partition(" with text ")[0]  # what follows is the damaged text itself
    if _is_of_words(error, text):
        return CorruptArtefact(
            f"{path}: its index of words is damaged ({text}). Run 'soundalike library rebuild', "
            "then this command again."
        )
    if isinstance(error, sqlite3.OperationalError):
        if "locked" in text or "busy" in text:
            return LibraryBusy(f"{path}: another process is writing. Try again.")
        if "full" in text or "disk I/O" in text:
            return StorageError(
                f"{path}: the disk took no more ({text}). What was committed is safe: make room "
                "and run the same command again."
            )
        if "readonly" in text or "unable to open" in text:
            return StorageError(f"{path}: cannot be written or opened ({text}).")
    return CorruptArtefact(damaged_text(path, text))


def _is_of_words(error: sqlite3.DatabaseError, text: str) -> bool:
    """Whether FTS5 raised an error. The index of words is the only virtual table of a catalogue.

    FTS5 gives no words to an error that it meets inside a trigger.
    """
    return (
        getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_CORRUPT_VTAB
        or text == "SQL logic error"
        or "fts5" in text
        or "vtable constructor failed" in text
    )


def damaged_text(path: Path, reason: str) -> str:
    """What to say of a catalogue that cannot be used, with advice."""
    return (
        f"{path}: the catalogue is damaged ({reason}). Put a backup of it in its place and delete "
        f"{path.name}-wal and {path.name}-shm, or move the library's folder away and index the "
        "music again."
    )
