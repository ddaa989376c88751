"""The table of labels that were taken for one another."""

import html
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedder.training.report.page import table

DARKEST = 0.55
"""The share of colour in the fullest cell: text on it can still be read, light or dark."""
MAX_SHOWN_LABELS = 40
"""Larger tables are unreadable."""


def confusion_table(names: Sequence[str], counts: NDArray[np.int64]) -> str:
    """A table of counts [labels, labels]: rows are true labels, columns answers."""
    totals = np.maximum(counts.sum(axis=1), 1)
    head = ["", *(f"<span>{html.escape(name)}</span>" for name in names), "right"]
    rows = []
    for at, name in enumerate(names):
        cells = [
            _shade(int(count), share=count / totals[at], is_right=at == guessed)
            for guessed, count in enumerate(counts[at])
        ]
        right = f"{counts[at, at] / totals[at]:.0%}" if counts[at].any() else "–"
        rows.append([f"<th>{html.escape(name)}</th>", *cells, f"<td>{right}</td>"])
    return table(head, rows, kind="confusion")


def _shade(count: int, *, share: float, is_right: bool) -> str:
    colour = "var(--right)" if is_right else "var(--wrong)"
    mixed = f"color-mix(in srgb, {colour} {DARKEST * share:.0%}, var(--paper))"
    return f'<td style="background: {mixed}">{count or ""}</td>'
