"""A CSV, TSV or Parquet table with a `path` column, relative to the table or to `audio_root`.

The columns `artist`, `album`, `title`, `split`, `artist_group`, `duplicate_of` and
`duration_seconds` have the meaning of their names. Every other column is a label field.
"""

from dataclasses import replace
from pathlib import Path

from embedder.datasets.layouts.contents import (
    NAMES_OF_KEY,
    NAMES_OF_PATH,
    Contents,
    ReadingOptions,
    TableReader,
)
from embedder.datasets.records import LeftOut, TrackRow
from embedder.datasets.tables import TABLE_SUFFIXES, Table, columns_of, read_table

LOOKS_FOR = "a .csv, .tsv or .parquet table with a column 'path'"


def evidence(path: Path) -> str | None:
    """A table with a path column, or a folder with exactly one such table."""
    tables = _tables(path)
    return f"{tables[0].name} with a column of paths" if len(tables) == 1 else None


def _tables(path: Path) -> list[Path]:
    candidates = [path] if path.is_file() else sorted(path.iterdir())
    return [
        table
        for table in candidates
        if table.suffix.lower() in TABLE_SUFFIXES
        and table.is_file()
        and {name.strip().lower() for name in columns_of(table)} & set(NAMES_OF_PATH)
    ]


def _key_column(table: Table) -> str | None:
    """The first key column with unique values; `track` may be a number, `key` a musical key."""
    for name in NAMES_OF_KEY:
        column = table.find([name])
        if column is None:
            continue
        names = [record[column] for record in table.rows]
        if all(names) and len(set(names)) == len(names):
            return column
    return None


def read(path: Path, options: ReadingOptions) -> Contents:
    """A row for each line; missing files are left out."""
    tables = _tables(path)
    table = read_table(tables[0] if path.is_dir() and tables else path)
    path_column = table.require(*NAMES_OF_PATH)
    key_column = _key_column(table) or path_column
    reader = TableReader(table, options)
    listed, artist_groups = reader.read(key_column)
    base = options.audio_root or table.path.parent
    rows: list[TrackRow] = []
    groups: list[str] = []
    left_out: list[LeftOut] = []
    for row, record, group in zip(listed, table.rows, artist_groups, strict=True):
        file = base / record[path_column]
        reason = options.reason_unusable(file) if record[path_column] else "no path given"
        if reason is not None:
            left_out.append(LeftOut(file, reason))
        else:
            rows.append(replace(row, path=file))
            groups.append(group)
    origin = f"column {column!r} of {table.path.name}" if (column := reader.split_column()) else ""
    return Contents(rows, left_out, groups, split_origin=origin)
