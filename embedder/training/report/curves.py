"""The curves of a run, as `curves.png` and as SVG. Uses no pyplot and no display."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from embedder.training.folder.run_folder import CURVES_NAME
from embedder.training.report.charts import line_chart
from embedder.whole_files import write_whole

_COLOURS = ("#0b6e99", "#c2571a", "#8a8f98", "#5b7f2b")
History = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: columns of the log, each with its label."""

    title: str
    columns: Mapping[str, str]
    top: float | None = None


PANELS = (
    Panel("Training loss", {"loss": "loss"}),
    Panel(
        "Held-out scores",
        {
            "accuracy": "accuracy of the vote",
            "map": "mean average precision",
            "tag_map": "mean average precision, tags",
            "pr_auc": "tagging head, PR-AUC",
        },
        top=1.0,
    ),
    Panel(
        "Mean distance while training",
        {"negative_distance": "negatives", "positive_distance": "positives"},
    ),
    Panel("Effective rank of the vectors", {"effective_rank": "rank"}),
)


def write_curves(folder: Path, history: History) -> None:
    """`curves.png` in the run's folder."""
    figure = Figure(figsize=(9, 5))
    figure.subplots_adjust(left=0.07, right=0.98, top=0.94, bottom=0.08, hspace=0.35)
    for panel, axes in zip(PANELS, figure.subplots(2, 2).flat, strict=True):
        _draw(axes, panel, history)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_whole(folder / CURVES_NAME, picture.getvalue())


def curve_charts(history: History) -> str:
    """The same as SVG elements."""
    charts = []
    for panel in PANELS:
        series = {name: _points(history, column) for column, name in panel.columns.items()}
        charts.append(line_chart(panel.title, series, top=panel.top))
    return "".join(charts)


def _draw(axes: Axes, panel: Panel, history: History) -> None:
    axes.set_title(panel.title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    for colour, (column, name) in zip(_COLOURS, panel.columns.items(), strict=False):
        points = _points(history, column)
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, label=name, marker=".")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), panel.top)
    axes.tick_params(labelsize=8)
    if len(axes.lines) > 1:
        axes.legend(frameon=False, fontsize=8)


def _points(history: History, column: str) -> list[tuple[float, float]]:
    return [(record["epoch"], record[column]) for record in history if column in record]
