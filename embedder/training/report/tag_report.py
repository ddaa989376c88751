"""The scores of a tagging head for each tag: a table, a chart, and both as a part of a page."""

import base64
import csv
import html
import io
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from embedder.datasets.csv_cells import plain_cell, text_of_cell
from embedder.metrics.tagging import TagScores
from embedder.training.folder.run_folder import TAG_FILES
from embedder.whole_files import write_whole

TABLE_NAME, CHART_NAME = TAG_FILES
COLUMNS = ("tag", "pr_auc", "roc_auc")
ROC_COLOUR, PR_COLOUR, INK = "#9db4d3", "#2f5d9b", "#20242c"


def write_tag_report(
    folder: Path,
    tags: tuple[str, ...],
    scores: TagScores,
    *,
    names: tuple[str, str] = TAG_FILES,
) -> None:
    """Write `tags.csv` and `tags.png` to a run's folder, the best tag first."""
    rows = ranked_tags(tags, scores)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((plain_cell(tag), f"{pr:.4f}", f"{roc:.4f}") for tag, pr, roc in rows)
    write_whole(folder / names[0], text.getvalue().encode())
    write_whole(folder / names[1], draw_tags(rows))


def ranked_tags(tags: tuple[str, ...], scores: TagScores) -> list[tuple[str, float, float]]:
    """(tag, PR-AUC, ROC-AUC), highest PR-AUC first; tags without scores are left out."""
    rows = zip(tags, scores.pr_auc.tolist(), scores.roc_auc.tolist(), strict=True)
    return sorted((row for row in rows if not np.isnan(row[1])), key=lambda row: -row[1])


def draw_tags(rows: list[tuple[str, float, float]]) -> bytes:
    """The chart as PNG: two bars a tag."""
    figure = Figure(figsize=(8.0, 1.2 + 0.28 * len(rows)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    places = np.arange(len(rows))
    axes.barh(places - 0.2, [row[1] for row in rows], height=0.38, color=PR_COLOUR, label="PR-AUC")
    axes.barh(
        places + 0.2, [row[2] for row in rows], height=0.38, color=ROC_COLOUR, label="ROC-AUC"
    )
    axes.set_yticks(places, [row[0] for row in rows], color=INK, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.axvline(0.5, color=INK, linewidth=0.6, linestyle=":")  # ROC-AUC of guessing
    axes.set_title("Scores of each tag on held-out tracks", loc="left", color=INK)
    axes.legend(loc="lower right", frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def tag_section(folder: Path) -> str:
    """The table and the chart of a run as a part of an HTML page that needs no other file; empty
    without them.
    """
    if not (folder / TABLE_NAME).exists():
        return ""
    with (folder / TABLE_NAME).open(encoding="utf-8", newline="") as file:
        rows = [[text_of_cell(cell) for cell in row] for row in csv.reader(file)]
    head, *body = ["".join(_cells(row, "th" if at == 0 else "td")) for at, row in enumerate(rows)]
    lines = "\n".join(f"<tr>{row}</tr>" for row in body)
    chart = base64.b64encode((folder / CHART_NAME).read_bytes()).decode()
    return (
        f'<img src="data:image/png;base64,{chart}" alt="scores of each tag">\n'
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>{lines}</tbody></table>\n"
    )


def _cells(row: list[str], kind: str) -> list[str]:
    return [f"<{kind}>{html.escape(value)}</{kind}>" for value in row]
