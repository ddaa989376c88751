"""CSV, TSV and Parquet as rows of text. Types are not guessed: `007` stays `007`.

A missing column is an error that names the nearest existing one.
"""

import csv
import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embedder.errors import DatasetError, printable_path

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")
_LONGEST_FIELD = 16_000_000
LIST_MARK = "\ue000"
"""A private-use character before every part of a cell that was a list in Parquet."""


@dataclass(frozen=True, slots=True)
class Table:
    """Column names and rows of text; each row is a mapping."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]

    def find(self, names: Sequence[str]) -> str | None:
        """The first of these columns that exists, ignoring case."""
        by_lower = {column.strip().lower(): column for column in self.columns}
        return next((by_lower[name] for name in names if name in by_lower), None)

    def require(self, *names: str) -> str:
        """As `find`, but a missing column is an error that lists the columns."""
        column = self.find([name.lower() for name in names])
        if column is None:
            raise DatasetError(
                f"{printable_path(self.path)}: no column {names[0]!r}. "
                f"{nearest_hint(names[0], self.columns)}"
            )
        return column


def nearest_hint(given: str, valid: Iterable[str]) -> str:
    """`Did you mean …?` if a name is similar, and all valid names."""
    names = list(valid)
    close = difflib.get_close_matches(given, names, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}There are: {', '.join(names) or 'none'}."


def read_table(path: Path) -> Table:
    """Read a table; its suffix decides the format."""
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    lines = read_cells(path)
    if not lines:
        raise DatasetError(f"{printable_path(path)}: the table is empty.")
    header = [name.strip() for name in lines[0]]
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if repeated:
        raise DatasetError(f"{printable_path(path)}: the column {repeated[0]!r} occurs twice.")
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) > len(header):
            raise DatasetError(
                f"{printable_path(path)}, row {number}: {len(cells)} cells under "
                f"{len(header)} columns. Put quotes round cells that contain the separator."
            )
        padded = cells + [""] * (len(header) - len(cells))
        rows.append(dict(zip(header, (cell.strip() for cell in padded), strict=True)))
    return Table(path, tuple(header), tuple(rows))


def read_cells(path: Path) -> list[list[str]]:
    """All cells of a CSV or TSV file, blank lines left out."""
    csv.field_size_limit(_LONGEST_FIELD)  # biographies in FMA's table are long
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = _separator(path, file.readline())
            file.seek(0)
            return [row for row in csv.reader(file, delimiter=separator) if any(row)]
    except OSError as error:
        raise DatasetError(f"{printable_path(path)}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{printable_path(path)}: not UTF-8 text (byte {error.start}). Save it as UTF-8."
        ) from error
    except csv.Error as error:
        raise DatasetError(f"{printable_path(path)}: not a table ({error}).") from error


def first_cells(path: Path) -> list[str]:
    """The header of a CSV or TSV; an empty list if it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            line = file.readline(1_000_000)
    except OSError:
        return []
    return next(csv.reader([line], delimiter=_separator(path, line)), [])


def columns_of(path: Path) -> list[str]:
    """The column names of a table, without its rows."""
    if path.suffix.lower() != ".parquet":
        return [name.strip() for name in first_cells(path)]
    return list(_read_parquet(path).columns)


def _separator(path: Path, first_line: str) -> str:
    """Tab in TSV; otherwise the most frequent of tab, semicolon and comma in the header."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    return max(",;\t", key=first_line.count)


def _read_parquet(path: Path) -> Table:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except FileNotFoundError as error:
        raise DatasetError(f"{printable_path(path)}: no such file.") from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"{printable_path(path)}: not a Parquet table ({error}).") from error
    if any(frame.index.names):  # a column that was made the index before it was written
        frame = frame.reset_index()
    columns = tuple(str(name) for name in frame.columns)
    rows = tuple(
        {name: _cell_text(value) for name, value in zip(columns, record, strict=True)}
        for record in frame.itertuples(index=False, name=None)
    )
    return Table(path, columns, rows)


def _cell_text(value: object) -> str:
    """A cell as text: parts of a list begin with `LIST_MARK`; missing values are empty."""
    if isinstance(value, str):
        return value.strip()
    import pandas as pd

    if isinstance(value, list | tuple | np.ndarray):
        return LIST_MARK.join(["", *(str(part) for part in value)])
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float):  # pandas turns integers into floats if a value is missing
        return "" if math.isnan(value) else f"{value:.0f}" if value.is_integer() else str(value)
    return str(value)
