"""Cells that a spreadsheet would compute."""

import pytest

from index.library_folder.csv_cells import plain_cell, plain_row


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_becomes_text(start: str) -> None:
    """A text that a spreadsheet would compute begins with an apostrophe."""
    assert plain_cell(f"{start}cmd") == f"'{start}cmd"


def test_other_cells_stay_as_they_are() -> None:
    """Numbers, also as text, and usual texts are not changed."""
    row = [-1, -0.5, "-0.5", "a=b", "", None]
    assert plain_row(row) == row
