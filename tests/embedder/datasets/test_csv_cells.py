"""Cells that a spreadsheet would compute."""

import pytest

from embedder.datasets.csv_cells import plain_cell, plain_row, text_of_cell


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_becomes_text(start: str) -> None:
    """A text that a spreadsheet would compute begins with an apostrophe."""
    assert plain_cell(f"{start}cmd") == f"'{start}cmd"


def test_other_cells_stay_as_they_are() -> None:
    """Numbers, also as text, and usual texts are not changed."""
    row = [-1, -0.5, "-0.5", "a=b", "", None]
    assert plain_row(row) == row


@pytest.mark.parametrize("text", ["=1", "'=1", "''-", "'a", "plain", "", "-0.5", "--"])
def test_a_cell_is_read_as_it_was_written(text: str) -> None:
    """Apostrophes that the text had itself stay."""
    assert text_of_cell(str(plain_cell(text))) == text
