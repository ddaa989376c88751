"""CSV cells that a spreadsheet takes as text.

A spreadsheet computes a cell that begins with = + - or @. A tag of a file, which anybody may have
written, must not become a formula.
"""

from collections.abc import Iterable

_STARTS = ("=", "+", "-", "@", "\t", "\r")


def plain_cell(value: object) -> object:
    """A value for a CSV writer: a text that would be a formula begins with an apostrophe."""
    if not isinstance(value, str) or not value.lstrip("'").startswith(_STARTS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def plain_row(values: Iterable[object]) -> list[object]:
    """A row of such values."""
    return [plain_cell(value) for value in values]


def text_of_cell(cell: str) -> str:
    """The text that `plain_cell` made this cell of."""
    is_marked = cell.startswith("'") and cell.lstrip("'").startswith(_STARTS)
    return cell[1:] if is_marked else cell
