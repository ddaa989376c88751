"""Draw the scores of a grid's variants with their intervals, from the grid.csv that train writes.

    python docs/draw_grid.py RUNS/grid.csv PICTURE.png [SCORE...]

SCORE names columns of the table (default: accuracy and head_accuracy of the validation and, if it
was measured, the test side).
"""

import csv
import sys
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

SCORES = ("accuracy", "head_accuracy", "test_accuracy", "test_head_accuracy")
COLOURS = ("#0b6e99", "#7a4b94", "#c2571a", "#5b7f2b", "#888888")


def draw(table: Path, picture: Path, scores: list[str]) -> None:
    """A group of points for each score, a point with its 95 % interval for each variant."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    scores = [name for name in scores or SCORES if name in rows[0]]
    figure = Figure(figsize=(7.0, 3.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, row in enumerate(rows):
        shift = (number - (len(rows) - 1) / 2) * 0.2
        axes.errorbar(
            [place + shift for place in range(len(scores))],
            [float(row[name]) for name in scores],
            yerr=[float(row[f"{name}_ci95"] or 0) for name in scores],
            fmt="o",
            capsize=4,
            color=COLOURS[number % len(COLOURS)],
            label=f"{row['variant']} ({row['seeds']} seeds)",
        )
    axes.set_xticks(range(len(scores)), [name.replace("_", " ") for name in scores])
    axes.set_xlim(-0.5, len(scores) - 0.5)
    axes.set_ylim(0, 1)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(picture)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
