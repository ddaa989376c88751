"""Which columns of a table a terminal shows."""

import pytest

from cli.records import cell, with_names
from cli.table_layout import GAP, Column, fit

TITLES = ("A Rather Long Title of a Song, Live in Concert", "Short", "Another")
ARTISTS = ("The Orchestra of the Long Afternoon", "Ann", "Bo")
PATHS = tuple(f"/music/somewhere/deep/below/{n}/file with a name.flac" for n in range(3))


def columns() -> list[Column]:
    """A table of three tracks as `query` prints it."""
    return [
        Column("rank", "rank", ("1", "2", "3"), is_number=True),
        Column("title", "title", TITLES),
        Column("artist", "artist", ARTISTS),
        Column("album", "album", ("One", "Two", "Three")),
        Column("genre", "genre", ("jazz", "jazz", "jazz")),
        Column("path", "path", PATHS),
    ]


@pytest.mark.parametrize(
    ("width", "names"),
    [
        (200, ["rank", "title", "artist", "album", "path"]),
        (80, ["rank", "title", "artist", "album"]),
        (55, ["rank", "title", "artist"]),
        (45, ["title", "artist"]),
        (30, ["title"]),
        (4, ["title"]),
    ],
)
def test_columns_leave_in_order(width: int, names: list[str]) -> None:
    """Paths leave a narrow table first, titles and artists last."""
    shown, _ = fit(columns(), width=width)
    assert [column.name for column in shown] == names


@pytest.mark.parametrize("width", [24, 40, 61, 79, 80, 101, 140, 200])
def test_the_columns_fill_a_terminal_and_no_more(width: int) -> None:
    """The widths add up to at most the terminal's, and to all of it while a text is cut."""
    shown, _ = fit(columns(), width=width)
    widths = [column.width or 0 for column in shown]
    total = sum(widths) + GAP * (len(widths) - 1)
    is_cut = any(column.natural_width > (column.width or 0) for column in shown)
    assert total == width if is_cut else total <= width


def test_what_is_the_same_in_all_rows_is_said_once() -> None:
    """A column of one value moves into the line above the table; a single row keeps its own."""
    shown, line = fit(columns(), width=200)
    assert line == "genre: jazz"
    assert "genre" not in [column.name for column in shown]
    lone = [Column("title", "title", ("A",)), Column("genre", "genre", ("jazz",))]
    assert fit(lone, width=80)[1] == ""


def test_a_table_without_tracks_keeps_its_columns() -> None:
    """A finding or a setting says something in each column, however narrow the terminal is."""
    table = [Column("state", "state", ("ok", "ok")), Column("detail", "detail", ("a" * 90, "b"))]
    assert fit(table, width=40) == (table, "")


def test_a_file_stands_in_for_a_title() -> None:
    """A track without a title is shown by the name of its file."""
    rows = with_names([{"title": "", "path": "/a/song.mp3"}, {"title": "T", "path": "/b.mp3"}])
    assert [row["title"] for row in rows] == ["song.mp3", "T"]


def test_ids_have_no_separators() -> None:
    """An id can be copied into the next command, alone and in a list; a count has separators."""
    assert cell("track_id", 1234567) == "1234567"
    assert cell("ids", [1234567]) == "1234567"
    assert cell("tracks", 1234567) == "1,234,567"
