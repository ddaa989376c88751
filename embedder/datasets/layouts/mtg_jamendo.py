"""MTG-Jamendo: `TRACK_ID ARTIST_ID ALBUM_ID PATH DURATION TAGS`, tags as `genre---rock`.

The tags continue after the last heading, one in each cell. The text before `---` is the label
field. The tables `…-train.tsv`, `…-validation.tsv` and `…-test.tsv` give the split.
"""

from collections import defaultdict
from pathlib import Path

from embedder.datasets.layouts.contents import Contents, ReadingOptions, seconds_in
from embedder.datasets.records import LeftOut, Side, TrackRow
from embedder.datasets.tables import first_cells, read_cells
from embedder.errors import DatasetError, printable_path

LOOKS_FOR = "a .tsv with the columns TRACK_ID, ARTIST_ID, ALBUM_ID, PATH, DURATION, TAGS"
_HEADER = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]
_SIDES: dict[str, Side] = {"-train": "train", "-validation": "validation", "-test": "test"}
_AUDIO_FOLDERS = ("", "audio", "mp3")


def evidence(path: Path) -> str | None:
    """A table with exactly these headings."""
    tables = _tables(path, "")
    return tables[0].name if tables else None


def _tables(path: Path, variant: str) -> list[Path]:
    """The tables to read: those of the sides if they exist, otherwise the others."""
    files = [path] if path.is_file() else sorted(path.rglob("*.tsv"))
    tables = [file for file in files if first_cells(file)[: len(_HEADER)] == _HEADER]
    if path.is_file():
        return tables
    named = [file for file in tables if variant in file.stem]
    sided = [file for file in named if _side_of(file)]
    return sided or named


def _side_of(table: Path) -> Side:
    return next((side for end, side in _SIDES.items() if table.stem.endswith(end)), "")


def read(path: Path, options: ReadingOptions) -> Contents:
    """A row for each track of the tables."""
    tables = _tables(path, options.variant)
    if not tables:
        name_condition = f" with {options.variant!r} in its name" if options.variant else ""
        raise DatasetError(
            f"{printable_path(path)}: {LOOKS_FOR} expected{name_condition}, none found."
        )
    sides = [_side_of(table) for table in tables]
    if len(tables) > 1 and (len(set(sides)) != len(sides) or "" in sides):
        names = ", ".join(table.name for table in tables)
        raise DatasetError(
            f"{printable_path(path)}: several tables ({names}). Give the path of one of them, or "
            "set the variant."
        )
    rows: list[TrackRow] = []
    left_out: list[LeftOut] = []
    for table, side in zip(tables, sides, strict=True):
        for number, cells in enumerate(read_cells(table)[1:], start=2):
            if len(cells) < len(_HEADER) - 1:
                raise DatasetError(
                    f"{printable_path(table)}, row {number}: {len(cells)} cells, at least "
                    f"{len(_HEADER) - 1} are needed."
                )
            file = _audio_file(options.audio_root or table.parent, cells[3])
            reason = options.reason_unusable(file)
            if reason is not None:
                left_out.append(LeftOut(file, reason))
                continue
            rows.append(_row(cells, file, side))
    origin = "the split of its tables" if any(sides) else ""
    return Contents(rows, left_out, split_origin=origin)


def _row(cells: list[str], file: Path, side: Side) -> TrackRow:
    labels: defaultdict[str, list[str]] = defaultdict(list)
    for tag in cells[5:]:
        category, marked, value = tag.strip().partition("---")
        if value:
            labels[category].append(value)
        elif not marked and category:
            labels["tag"].append(category)
    return TrackRow(
        key=cells[0],
        path=file,
        labels={category: tuple(dict.fromkeys(values)) for category, values in labels.items()},
        artist=cells[1],
        album=cells[2],
        split=side,
        duration_seconds=seconds_in(cells[4]),
    )


def _audio_file(base: Path, listed: str) -> Path:
    """The file in full or low quality (`48/948.low.mp3`), near the table or below `audio`."""
    for folder in _AUDIO_FOLDERS:
        for name in (Path(listed), Path(listed).with_suffix(".low.mp3")):
            if (base / folder / name).exists():
                return base / folder / name
    return base / listed
