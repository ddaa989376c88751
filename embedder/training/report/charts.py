"""Small charts as SVG text for the report: lines over epochs, and two histograms on one axis.

They are written by hand: they take a millisecond and a few kilobytes, and follow the page's light
or dark colours.
"""

import html
import math
from collections.abc import Mapping, Sequence

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 440, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 30, 28
COLOURS = ("var(--first)", "var(--second)", "var(--third)")


def line_chart(title: str, series: Mapping[str, Points], *, top: float | None = None) -> str:
    """Lines from zero (or their least value) to `top` (or their greatest); x is the epoch."""
    nonempty = {name: points for name, points in series.items() if points}
    values = [y for points in nonempty.values() for _, y in points]
    if not values:
        return _frame(title, '<text x="50%" y="50%" class="tick">not measured</text>', nonempty)
    low, high = min(0.0, *values), max(values) if top is None else top
    last = max(x for points in nonempty.values() for x, _ in points)
    first = min(x for points in nonempty.values() for x, _ in points)
    axes = _Axes(first, max(last, first + 1), low, max(high, low + 1e-9))
    body = axes.grid()
    for colour, points in zip(COLOURS, nonempty.values(), strict=False):
        body += _line(axes, points, colour)
    return _frame(title, body, nonempty)


def histogram_chart(title: str, series: Mapping[str, Sequence[int]], *, reach: float) -> str:
    """Counts as shares of their sum, in bins of equal width from 0 to `reach`."""
    shares = {name: [c / max(sum(counts), 1) for c in counts] for name, counts in series.items()}
    high = max((share for row in shares.values() for share in row), default=0.0)
    axes = _Axes(0.0, reach, 0.0, max(high, 1e-9))
    body = axes.grid(has_values=False)
    for colour, row in zip(COLOURS, shares.values(), strict=False):
        width = reach / len(row)
        for at, share in enumerate(row):
            left, right = axes.x(at * width), axes.x((at + 1) * width)
            up = axes.y(share)
            if share:
                body += (
                    f'<rect x="{left:.1f}" y="{up:.1f}" width="{right - left:.1f}" '
                    f'height="{axes.y(0.0) - up:.1f}" fill="{colour}" fill-opacity=".55"/>'
                )
    return _frame(title, body, shares)


class _Axes:
    """Maps numbers to positions on the chart."""

    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        self.left, self.right, self.low, self.high = left, right, low, high

    def x(self, value: float) -> float:
        """From the left edge."""
        share = (value - self.left) / (self.right - self.left)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """From the upper edge."""
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def grid(self, *, has_values: bool = True) -> str:
        """Grid lines and numbers."""
        parts = []
        for value in ticks(self.low, self.high) if has_values else []:
            y = self.y(value)
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" class="grid"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="tick end">{value:g}</text>')
        is_whole = has_values  # epochs are whole numbers, distances are not
        for value in ticks(self.left, self.right, is_whole=is_whole):
            x = self.x(value)
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 10}" class="tick mid">{value:g}</text>')
        floor = HEIGHT - BOTTOM
        parts.append(f'<path d="M{LEFT} {floor}H{WIDTH - RIGHT}" class="axis"/>')
        return "".join(parts)


def ticks(low: float, high: float, *, is_whole: bool = False) -> list[float]:
    """Round numbers between two values, at most seven of them."""
    span = max(high - low, 1e-12)
    step = 10.0 ** math.floor(math.log10(span))
    step = next(s for s in (step / 5, step / 2, step, 2 * step) if span / s <= 6)
    if is_whole:
        step = max(round(step), 1)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _line(axes: _Axes, points: Points, colour: str) -> str:
    places = [(axes.x(x), axes.y(min(y, axes.high))) for x, y in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places
    )
    line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
    return line + (dots if len(places) <= 12 else "")


def _frame(title: str, body: str, names: Mapping[str, object]) -> str:
    legend = ""
    at = float(WIDTH - RIGHT)
    if len(names) > 1:
        for colour, name in reversed(list(zip(COLOURS, names, strict=False))):
            at -= 6.6 * len(name) + 20
            legend += (
                f'<circle cx="{at:.0f}" cy="12" r="4" fill="{colour}"/>'
                f'<text x="{at + 8:.0f}" y="16" class="tick">{html.escape(name)}</text>'
            )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}">'
        f'<text x="0" y="16" class="title">{html.escape(title)}</text>{legend}{body}</svg>'
    )
