"""Charts as HTML and inline SVG: text in, text out, no library, no network.

Colours come from the page's CSS variables, so that they follow light and dark.
"""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from index.catalogue.wording import counted

DARKEST = 0.55
"""The share of colour in the fullest cell: text on it can still be read, light or dark."""


def interval_bars(
    names: Sequence[str],
    values: Sequence[float],
    ranges: Sequence[tuple[float, float]],
    *,
    marks: Sequence[float | None] = (),
    marked: str = "leaky",
    title: str,
) -> str:
    """A bar for each name, from 0 to 1; its interval is a line, a second value a ring.

    The number stands to the right of all three, so that none of them hides it.
    """
    parts = []
    for row, (name, value, (low, high)) in enumerate(zip(names, values, ranges, strict=True)):
        mark = marks[row] if row < len(marks) else None
        parts.append(f'<div class="name">{escape(name)}</div><div class="track">')
        if not np.isnan(value):
            parts.append(
                f'<div class="bar" style="width:{value:.1%}" '
                f'title="{escape(name, quote=True)}: {value:.3f}"></div>'
            )
        if not np.isnan(low + high) and high > low:
            parts.append(
                f'<div class="range" style="left:{low:.1%};width:{high - low:.1%}" '
                f'title="{low:.3f} to {high:.3f}"></div>'
            )
        if mark is not None and not np.isnan(mark):
            parts.append(
                f'<div class="mark" style="left:{mark:.1%}" '
                f'title="{escape(marked, quote=True)}: {mark:.3f}"></div>'
            )
        if not np.isnan(value):
            drawn = [x for x in (value, low, high, mark) if x is not None and not np.isnan(x)]
            parts.append(f'<div class="value" style="left:{max(drawn):.1%}">{value:.3f}</div>')
        parts.append("</div>")
    bars = f'<div class="bars">{"".join(parts)}</div>'
    return f"<figure><figcaption>{escape(title)}</figcaption>{bars}</figure>"


def heat_table(names: Sequence[str], counts: NDArray[np.int64], *, title: str) -> str:
    """A confusion matrix: shades show each row's shares, numbers the counts."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    head = "".join(f"<th><span>{escape(name)}</span></th>" for name in names)
    rows = []
    for row, name in enumerate(names):
        cells = []
        for column, other in enumerate(names):
            share, count = float(shares[row, column]), int(counts[row, column])
            note = f"{name} taken for {other}: {count} ({share:.0%})"
            cells.append(
                f'<td class="{"hit" if row == column else "miss"}" '
                f'style="--share:{DARKEST * share:.0%}" title="{escape(note, quote=True)}">'
                f"{count or ''}</td>"
            )
        rows.append(f"<tr><th>{escape(name)}</th>{''.join(cells)}</tr>")
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><div class="wide"><table class="heat">'
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        "</figure>"
    )


def reliability_curve(
    probability: NDArray[np.floating],
    accuracy: NDArray[np.floating],
    counts: NDArray[np.int64],
    *,
    title: str,
) -> str:
    """Predicted probability against the share that was right; a dot's size shows the count."""
    size, margin = 320, 40
    inner = size - 2 * margin

    def at(value: float) -> float:
        return margin + value * inner

    parts = [
        f'<rect class="frame" x="{margin}" y="{margin}" width="{inner}" height="{inner}"/>',
        f'<line class="ideal" x1="{at(0)}" y1="{at(1)}" x2="{at(1)}" y2="{at(0)}"/>',
        f'<text class="name" x="{size / 2}" y="{size - 4}" text-anchor="middle">probability</text>',
        f'<text class="name" transform="translate(12,{size / 2}) rotate(-90)" '
        'text-anchor="middle">share that was right</text>',
    ]
    for tick in (0.0, 0.5, 1.0):
        parts.append(
            f'<text class="tick" x="{at(tick)}" y="{size - margin + 16}" text-anchor="middle">'
            f"{tick:.1f}</text>"
        )
        parts.append(
            f'<text class="tick" x="{margin - 6}" y="{at(1 - tick) + 4}" text-anchor="end">'
            f"{tick:.1f}</text>"
        )
    largest = max(int(counts.max(initial=0)), 1)
    points = []
    for predicted, right, n in zip(probability, accuracy, counts, strict=True):
        if n:
            x, y = at(float(predicted)), at(1 - float(right))
            points.append(f"{x:.1f},{y:.1f}")
            parts.append(
                f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" '
                f'r="{3 + 9 * np.sqrt(n / largest):.1f}"><title>probability {predicted:.2f}, '
                f"right {right:.2f}, {counted(int(n), 'track')}</title></circle>"
            )
    parts.insert(2, f'<polyline class="curve" points="{" ".join(points)}"/>')
    return _figure(title, size, size, parts)


def with_count(name: str, n_tracks: int) -> str:
    """A label with its number of tracks."""
    return f"{name} ({n_tracks})"


def _figure(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {width} {height}" '
        f'width="{width}" role="img" aria-label="{escape(title, quote=True)}">'
        f"{''.join(parts)}</svg></figure>"
    )
