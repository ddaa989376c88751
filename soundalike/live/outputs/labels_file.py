"""A file of what was heard and when: CSV, or an Audacity label track (.txt).

A stretch is written as soon as it ends, so that a run that is cut off loses only the last one.
"""

import csv
import io
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from embedder.errors import OutputExists, StorageError, UnknownChoice, printable_path
from soundalike.live.heard import Heard
from soundalike.live.stretches import Stretch

SUFFIXES = (".csv", ".txt")
COLUMNS = ("start_seconds", "end_seconds", "label", "probability", "clock")


class LabelsFile:
    """An open file of stretches.

    `began_at`: the time of day of the sound's beginning, in seconds since 1970; the CSV's column
    `clock` shows when a stretch began. None: the sound has no such time.
    """

    def __init__(self, path: Path, *, force: bool = False, began_at: float | None = None) -> None:
        check_labels_path(path, force=force)
        self.path = path
        self.began_at = began_at
        try:
            self._file: TextIO = path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise StorageError(f"{printable_path(path)}: {error.strerror}") from error
        if path.suffix.lower() == ".csv":
            self._write_row(COLUMNS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def hear(self, heard: Heard) -> None:
        """Nothing: only stretches are written."""

    def end_stretches(self, stretches: Sequence[Stretch]) -> None:
        """Add stretches that have ended."""
        for stretch in stretches:
            if self.path.suffix.lower() == ".csv":
                fields = stretch.to_json()
                self._write_row([*fields.values(), self._clock(stretch.start_seconds)])
            else:
                label = " ".join(stretch.label.split())  # a tab would be a column
                self._write(f"{stretch.start_seconds:.6f}\t{stretch.end_seconds:.6f}\t{label}\n")

    def _clock(self, seconds: float) -> str:
        if self.began_at is None:
            return ""
        return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(self.began_at + seconds))

    def _write_row(self, cells: Iterable[object]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        self._write(line.getvalue())

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            raise StorageError(f"{printable_path(self.path)}: {error.strerror}") from error


def check_labels_path(path: Path, *, force: bool) -> None:
    """Refuse a name that says no format, and a file that exists."""
    if path.suffix.lower() not in SUFFIXES:
        raise UnknownChoice("ending of a labels file", path.suffix, SUFFIXES)
    if path.exists() and not force:
        raise OutputExists(path)
