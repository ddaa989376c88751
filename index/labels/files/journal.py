"""A journal of the changes to files, one per line, to undo them.

Each line is on disk before its file is changed: after a crash the journal may list a change that
was not made, but it never lacks one. A journal is never changed afterwards.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from embedder.errors import CorruptArtefact, NotFound, StorageError, printable_path
from embedder.whole_files import sync_folder
from index.labels.files.tag_writing import FieldState

SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One file's change: the old and the new labels of a field."""

    path: str
    field: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    time: str
    audio_digest: str
    """Of the changed file; the path may hold another file when the change is undone."""
    old_tags: dict[str, list[str]]
    """The old field in full, by the file's own keys."""
    had_tags: bool

    @property
    def state_before(self) -> FieldState:
        """The state to restore."""
        return FieldState(self.old, self.old_tags, self.had_tags)


def now_text() -> str:
    """The current time in the format of journals."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class JournalWriter:
    """An open journal, in an unbuffered file."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path = path
        self._file = file

    def add(self, entry: JournalEntry) -> None:
        """Append an entry; it is on disk when this returns."""
        # ASCII, because a path may not be UTF-8.
        line = json.dumps(asdict(entry)).encode("ascii") + b"\n"
        try:
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StorageError(
                f"{printable_path(self.path)}: the journal takes no more ({error.strerror})."
            ) from error


@contextmanager
def new_journal(folder: Path) -> Iterator[JournalWriter]:
    """A journal in a folder, named by the time; an empty one is removed at the end."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    try:
        path, file = _create(folder, stamp)
    except OSError as error:
        raise StorageError(
            f"{folder}: no journal can be written there ({error.strerror}), so no file is changed"
        ) from error
    try:
        with file:
            sync_folder(folder)  # so that the journal itself is on disk
            yield JournalWriter(path, file)
    finally:
        if path.stat().st_size == 0:
            path.unlink()


def read_journal(path: Path) -> list[JournalEntry]:
    """The entries, oldest first; an incomplete last line is ignored: its file was not changed."""
    try:
        lines = path.read_bytes().split(b"\n")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(
            f"{printable_path(path)}: no such journal. Journals are in the library's folder, "
            f"as labels-TIME{SUFFIX}."
        ) from error
    except OSError as error:
        raise StorageError(f"{printable_path(path)}: {error.strerror}") from error
    entries = []
    for number, line in enumerate(lines[:-1], start=1):  # the last part is empty
        try:
            entries.append(_entry(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CorruptArtefact(
                f"{printable_path(path)}: line {number} is not an entry of a label journal"
            ) from error
    return entries


def _entry(content: dict[str, Any]) -> JournalEntry:
    if "\0" in str(content["path"]):
        raise ValueError("a NUL in a path")
    return JournalEntry(
        path=str(content["path"]),
        field=str(content["field"]),
        old=tuple(map(str, content["old"])),
        new=tuple(map(str, content["new"])),
        time=str(content["time"]),
        audio_digest=str(content["audio_digest"]),
        old_tags={str(k): [str(text) for text in v] for k, v in content["old_tags"].items()},
        had_tags=bool(content["had_tags"]),
    )


def _create(folder: Path, stamp: str) -> tuple[Path, FileIO]:
    for number in range(1000):
        path = folder / f"labels-{stamp}{f'-{number}' if number else ''}{SUFFIX}"
        try:
            # Without a buffer: closing never has to write what did not fit before.
            return path, path.open("xb", buffering=0)
        except FileExistsError:
            continue
    raise FileExistsError(f"{folder}: too many journals of one second")
