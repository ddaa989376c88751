"""Charts as inline SVG: text in, text out, no library, no network.

Colours come from the page's CSS variables, so that they follow light and dark.
"""

import unicodedata
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

BAR_HEIGHT = 26
LABEL_WIDTH = 190
CHART_WIDTH = 672
CELL = 44
VALUE_WIDTH = 46
LETTER_WIDTH = 7.5
RIGHT_MARGIN = 52
RING = 8


def interval_bars(
    names: Sequence[str],
    values: Sequence[float],
    ranges: Sequence[tuple[float, float]],
    *,
    marks: Sequence[float | None] = (),
    marked: str = "leaky",
    title: str,
) -> str:
    """A bar for each name, from 0 to 1; its interval is a line, a second value a ring."""
    height = BAR_HEIGHT * len(names) + 28
    parts = [_axis(height)]
    for row, (name, value, (low, high)) in enumerate(zip(names, values, ranges, strict=True)):
        top = row * BAR_HEIGHT + 4
        middle = top + BAR_HEIGHT / 2 - 3
        parts.append(_name(name, middle))
        mark = marks[row] if row < len(marks) else None
        if not np.isnan(value):
            width = _x(value) - LABEL_WIDTH
            parts.append(
                f'<rect class="bar" x="{LABEL_WIDTH}" y="{top}" width="{width:.1f}" rx="3" '
                f'height="{BAR_HEIGHT - 7}"><title>{escape(name)}: {value:.3f}</title></rect>'
            )
            # If a line or ring would cover the number, it goes to the right of all of them.
            drawn_over = [x for x in (low, high, mark) if x is not None and not np.isnan(x)]
            is_hidden = any(_x(x) < LABEL_WIDTH + VALUE_WIDTH + RING for x in drawn_over)
            fits = width > VALUE_WIDTH and not is_hidden
            text_x = LABEL_WIDTH + 6 if fits else _x(max([value, *drawn_over])) + 10
            parts.append(
                f'<text class="{"value" if fits else "name"}" x="{text_x:.1f}" y="{middle + 4}">'
                f"{value:.3f}</text>"
            )
        if not np.isnan(low + high) and high > low:
            parts.append(
                f'<line class="range" x1="{_x(low):.1f}" x2="{_x(high):.1f}" y1="{middle}" '
                f'y2="{middle}"/>'
            )
        if mark is not None and not np.isnan(mark):
            parts.append(
                f'<circle class="halo" cx="{_x(mark):.1f}" cy="{middle}" r="5"/>'
                f'<circle class="mark" cx="{_x(mark):.1f}" cy="{middle}" r="5">'
                f"<title>{escape(marked)}: {mark:.3f}</title></circle>"
            )
    return _figure(title, CHART_WIDTH, height, parts)


def heat_table(names: Sequence[str], counts: NDArray[np.int64], *, title: str) -> str:
    """A confusion matrix: shades show each row's shares, numbers the counts."""
    left, top = 110, 96
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    parts = []
    for row, name in enumerate(names):
        y = top + row * CELL
        parts.append(
            f'<text class="name" x="{left - 8}" y="{y + CELL / 2 + 4}" text-anchor="end">'
            f"{escape(shortened(name, left - 8))}</text>"
        )
        x = left + row * CELL + CELL / 2
        parts.append(
            f'<text class="name" transform="translate({x},{top - 8}) rotate(-45)">'
            f"{escape(shortened(name, left - 8))}</text>"
        )
        for column, other in enumerate(names):
            share = float(shares[row, column])
            weight = "bold" if row == column else "plain"
            parts.append(
                f'<rect class="{"hit" if row == column else "miss"}" x="{left + column * CELL}" '
                f'y="{y}" width="{CELL - 1}" height="{CELL - 1}" fill-opacity="{share:.3f}">'
                f"<title>{escape(name)} taken for {escape(other)}: {counts[row, column]} "
                f"({share:.0%})</title></rect>"
            )
            if counts[row, column]:
                parts.append(
                    f'<text class="cell {weight}" x="{left + column * CELL + CELL / 2}" '
                    f'y="{y + CELL / 2 + 4}">{counts[row, column]}</text>'
                )
    # The slanted names of the last columns extend beyond the table.
    return _figure(title, left + len(names) * CELL + 70, top + len(names) * CELL + 4, parts)


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
                f"right {right:.2f}, {n} tracks</title></circle>"
            )
    parts.insert(2, f'<polyline class="curve" points="{" ".join(points)}"/>')
    return _figure(title, size, size, parts)


def _axis(height: float) -> str:
    lines = []
    for tenth in range(0, 11, 2):
        x = _x(tenth / 10)
        lines.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 22}"/>')
        lines.append(
            f'<text class="tick" x="{x:.1f}" y="{height - 6}" text-anchor="middle">'
            f"{tenth / 10:.1f}</text>"
        )
    return "".join(lines)


def _x(share: float) -> float:
    return LABEL_WIDTH + share * (CHART_WIDTH - LABEL_WIDTH - RIGHT_MARGIN)


def _name(name: str, middle: float) -> str:
    return (
        f'<text class="name" x="{LABEL_WIDTH - 8}" y="{middle + 4}" text-anchor="end">'
        f"{escape(shortened(name, LABEL_WIDTH - 8))}</text>"
    )


def counted(name: str, n_tracks: int) -> str:
    """A label with its number of tracks; only the label is shortened, not the number."""
    count = f" ({n_tracks})"
    return shortened(name, LABEL_WIDTH - 8 - len(count) * LETTER_WIDTH) + count


def shortened(name: str, width: float) -> str:
    """A name cut to fit a width in pixels; East Asian wide characters count as two."""
    widths = [_width(letter) for letter in name]
    if sum(widths) <= width:
        return name
    free_width, n_letters = width - _width("…"), 0
    while widths[n_letters] <= free_width:
        free_width -= widths[n_letters]
        n_letters += 1
    return f"{name[:n_letters].rstrip()}…"


def _width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 2 * LETTER_WIDTH
    return 1.5 * LETTER_WIDTH if letter in "mwMW@%" else LETTER_WIDTH


def _figure(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {width} {height}" '
        f'width="{width}" role="img" aria-label="{escape(title, quote=True)}">'
        f"{''.join(parts)}</svg></figure>"
    )
