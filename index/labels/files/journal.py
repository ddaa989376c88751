"""What was written into files, line by line, so that it can be taken back.

Each line stands on disk before its file is touched: after a crash the journal may say more than was
done, never less. A journal is never changed afterwards.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from embedder.errors import ArtefactError, CorruptArtefact, NotFound, printable_path
from index.labels.files.tag_writing import FieldState

SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One file's change: what it had in a field, and what was put there."""

    path: str
    field: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    time: str
    audio_digest: str
    """Whose tags they were, should another file stand there by now."""
    old_tags: dict[str, list[str]]
    """What it had in full, under the file's own names."""
    had_tags: bool

    @property
    def state_before(self) -> FieldState:
        """What the file goes back to."""
        return FieldState(self.old, self.old_tags, self.had_tags)


def now_text() -> str:
    """The time, as journals have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class JournalWriter:
    """An open journal."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file

    def add(self, entry: JournalEntry) -> None:
        """Write an entry down; it is on disk when this returns."""
        # ASCII: a path may hold bytes that are no text in any encoding.
        self._file.write(json.dumps(asdict(entry)).encode("ascii") + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def new_journal(folder: Path) -> Iterator[JournalWriter]:
    """A journal in a folder, named by the time; one that nothing was written to does not stay."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    try:
        path, file = _create(folder, stamp)
    except OSError as error:
        raise ArtefactError(
            f"{folder}: no journal can be kept there ({error.strerror}), so nothing is written"
        ) from error
    with file:
        _sync_folder(folder)
        yield JournalWriter(path, file)
        is_empty = file.tell() == 0
    if is_empty:
        path.unlink()


def read_journal(path: Path) -> list[JournalEntry]:
    """The entries, oldest first; a last line that a crash cut off was never acted on."""
    try:
        lines = path.read_bytes().split(b"\n")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(
            f"{printable_path(path)}: no such journal. They lie in the library's folder, "
            f"as labels-TIME{SUFFIX}."
        ) from error
    except OSError as error:
        raise ArtefactError(f"{printable_path(path)}: {error.strerror}") from error
    entries = []
    for number, line in enumerate(lines[:-1], start=1):  # behind the last newline is nothing
        try:
            entries.append(_entry(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CorruptArtefact(
                f"{printable_path(path)}: line {number} is no entry of a label journal"
            ) from error
    return entries


def _entry(content: dict[str, Any]) -> JournalEntry:
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


def _create(folder: Path, stamp: str) -> tuple[Path, BinaryIO]:
    for number in range(1000):
        path = folder / f"labels-{stamp}{f'-{number}' if number else ''}{SUFFIX}"
        try:
            return path, path.open("xb")
        except FileExistsError:
            continue
    raise FileExistsError(f"{folder}: too many journals of one second")


def _sync_folder(folder: Path) -> None:
    """Make the name last, too; Windows cannot open a folder, and needs no such thing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
