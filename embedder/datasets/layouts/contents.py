"""Options and results of a layout's reader, and parts that readers share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from embedder.datasets.array_stores import ArrayStore
from embedder.datasets.files import NO_SUCH_FILE, reason_unusable
from embedder.datasets.labels import labels_in_cell
from embedder.datasets.records import LeftOut, Side, TrackRow
from embedder.datasets.tables import Table
from embedder.errors import DatasetError, printable_path

_SIDE_NAMES: Mapping[str, Side] = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test",
    "": "", "none": "",
}  # fmt: skip

NAMES_OF_KEY = ("track", "track_id", "id", "key")
NAMES_OF_PATH = ("path", "file", "filename", "filepath", "file_path", "audio_path")
_NAMES_OF_DURATION = ("duration_seconds", "duration")
_NOT_LABELS = {
    *NAMES_OF_KEY, *NAMES_OF_PATH, *_NAMES_OF_DURATION,
    "artist", "artist_group", "album", "title", "split", "duplicate_of", "sample_rate",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """Settings that layouts share; each layout uses those that apply to it."""

    label_columns: tuple[str, ...] = ()
    """Empty: every column that has no other meaning."""
    separator: str = ";"
    """Between the labels of one cell."""
    split_column: str = "split"
    variant: str = ""
    """FMA: `small`, `medium` …; MTG-Jamendo: the subset, such as `genre`."""
    audio_root: Path | None = None
    """The folder of a table's paths. None: the folder of the table."""
    read_tags: bool = True
    """Whether artist and album come from the files' tags if the layout does not give them."""
    with_missing: bool = False
    """Whether listed tracks without a file are read too, for their labels."""

    def reason_unusable(self, file: Path) -> str | None:
        """Why a listed file cannot be used. None: no reason."""
        reason = reason_unusable(file)
        return None if self.with_missing and reason == NO_SUCH_FILE else reason


@dataclass(frozen=True, slots=True)
class Contents:
    """The rows and arrays that a reader returns."""

    rows: Sequence[TrackRow]
    left_out: Sequence[LeftOut] = ()
    artist_groups: Sequence[str] = ()
    """One for each row, if the table has such a column."""
    store: ArrayStore | None = None
    extra_vectors: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    split_origin: str = ""


def side_named(name: str, *, where: str) -> Side:
    """The side for a name such as `training` or `valid`; empty for an empty name or `none`."""
    try:
        return _SIDE_NAMES[name.strip().lower()]
    except KeyError:
        raise DatasetError(
            f"{where}: {name!r} is no side of a split. Use train, validation, test or nothing, "
            "or name another column as split_column."
        ) from None


def side_of_folder(name: str) -> Side:
    """The side for a folder called `train`, `valid`, `test` …; empty for any other folder."""
    return _SIDE_NAMES.get(name.strip().lower(), "")


@dataclass(frozen=True, slots=True)
class TableReader:
    """Turns the rows of a table with ordinary column names into track rows."""

    table: Table
    options: ReadingOptions

    def label_columns(self) -> list[str]:
        """The chosen columns, or all columns without another meaning."""
        if self.options.label_columns:
            return [self.table.require(name) for name in self.options.label_columns]
        other_columns = {*_NOT_LABELS, self.options.split_column.lower()}
        return [name for name in self.table.columns if name and name.lower() not in other_columns]

    def split_column(self) -> str | None:
        """The column of the split. A column with another name than `split` must exist."""
        if self.options.split_column in ("", "split"):
            return self.table.find(["split"]) if self.options.split_column else None
        return self.table.require(self.options.split_column)

    def read(self, key_column: str) -> tuple[list[TrackRow], list[str]]:
        """Rows (without path or array) and their artist groups."""
        columns = self.label_columns()
        split_column = self.split_column()
        names = {
            name: self.table.find([name])
            for name in ("artist", "album", "title", "artist_group", "duplicate_of")
        }
        duration_column = self.table.find(_NAMES_OF_DURATION)
        rows, artist_groups = [], []
        for number, record in enumerate(self.table.rows, start=2):
            where = f"{printable_path(self.table.path)}, row {number}"
            text = {name: record[column] if column else "" for name, column in names.items()}
            if not record[key_column]:
                raise DatasetError(f"{where}: the column {key_column!r} is empty.")
            rows.append(
                TrackRow(
                    key=record[key_column],
                    labels={
                        name: labels_in_cell(record[name], self.options.separator)
                        for name in columns
                    },
                    artist=text["artist"],
                    album=text["album"],
                    title=text["title"],
                    split=side_named(record[split_column], where=where) if split_column else "",
                    duplicate_of=text["duplicate_of"],
                    duration_seconds=seconds_in(record[duration_column])
                    if duration_column
                    else None,
                )
            )
            artist_groups.append(text["artist_group"])
        return rows, artist_groups


def seconds_in(cell: str) -> float | None:
    """The number in a cell; None if it holds no number."""
    try:
        return float(cell)
    except ValueError:
        return None
