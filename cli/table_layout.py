"""Which columns of a table fit a terminal, and how wide each may be. Pure: it writes nothing.

A table of tracks (it has a column `title`) keeps one line a track: what is the same in all rows
moves above the table, long texts are cut, and columns that still do not fit are left out, paths
first, the artist and the title last. Other tables keep all columns, and their cells wrap.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

GAP = 2
"""Spaces between two columns."""
LEAST_WIDTHS = {"title": 24, "artist": 18, "album": 14, "genre": 12, "path": 30}
"""Columns that may be cut, and the width down to which they are, before a column is left out."""
NARROWEST = 6
"""No column of text is cut below this, whatever the terminal's width."""
FIRST_TO_GO = ("path", "album", "genre", "duration_seconds")
LAST_TO_GO = ("rank", "id", "score", "artist", "title")
ALWAYS_IN_ROWS = frozenset({"rank", "id", "score", "title", "path", "label", "probability"})
"""These are what a row says: they stay in it, even where all rows say the same."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the field's name, its heading, and a cell for each row."""

    name: str
    heading: str
    cells: tuple[str, ...]
    is_number: bool = False
    width: int | None = None
    """The width to cut the cells to; None: as wide as the longest."""

    @property
    def natural_width(self) -> int:
        """The width that shows everything."""
        return max(cell_len(text) for text in (self.heading, *self.cells))

    @property
    def least_width(self) -> int:
        """The width that the column keeps as long as it is shown."""
        return min(self.natural_width, LEAST_WIDTHS.get(self.name, self.natural_width))


def is_of_tracks(columns: Sequence[Column]) -> bool:
    """Whether a row of the table is a track."""
    return any(column.name == "title" for column in columns)


def fit(columns: Sequence[Column], *, width: int) -> tuple[list[Column], str]:
    """The columns that fit a terminal, and a line with what is the same in all rows."""
    shared = [column for column in columns if _is_shared(column)]
    rest = [column for column in columns if column not in shared and _has_text(column)]
    if not is_of_tracks(columns):
        return list(columns), ""
    line = " · ".join(f"{column.heading}: {column.cells[0]}" for column in shared)
    for name in _order_of_leaving(rest):
        if _total(column.least_width for column in rest) <= width:
            break
        rest = [column for column in rest if column.name != name]
    return _widened(rest, width), line


def _is_shared(column: Column) -> bool:
    cells = column.cells
    is_same = len(cells) > 1 and bool(cells[0]) and len(set(cells)) == 1
    return is_same and column.name not in ALWAYS_IN_ROWS


def _has_text(column: Column) -> bool:
    return any(column.cells) or column.name == "title"


def _order_of_leaving(columns: Sequence[Column]) -> Iterator[str]:
    """Paths first, then from the right, and the title never."""
    names = [column.name for column in columns]
    others = [name for name in reversed(names) if name not in FIRST_TO_GO + LAST_TO_GO]
    yield from (*FIRST_TO_GO, *others, *LAST_TO_GO[:-1])


def _widened(columns: Sequence[Column], width: int) -> list[Column]:
    """Each column with its width: the least, and a share of what is left for those that are cut."""
    widths = {column.name: column.least_width for column in columns}
    n_over = _total(widths.values()) - width
    for name in reversed(LAST_TO_GO):  # the title and the artist are alone, and still too wide
        if n_over > 0 and name in widths:
            widths[name] -= min(n_over, max(widths[name] - NARROWEST, 0))
            n_over = _total(widths.values()) - width
    n_left = width - _total(widths.values())
    while n_left > 0:
        cut = [column for column in columns if widths[column.name] < column.natural_width]
        if not cut:
            break
        share = max(n_left // len(cut), 1)
        for column in cut[:n_left]:
            widths[column.name] += min(share, column.natural_width - widths[column.name])
        n_left = width - _total(widths.values())
    return [replace(column, width=widths[column.name]) for column in columns]


def _total(widths: Iterable[int]) -> int:
    numbers = list(widths)
    return sum(numbers) + GAP * max(len(numbers) - 1, 0)
