"""The table of an ablation as CSV, Markdown and HTML, with means and intervals.

Intervals are Student's 95 % over the seeds. A single seed has none: its field is empty.
"""

import csv
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from embedder.datasets.csv_cells import plain_cell
from embedder.training.report.page import page, table
from embedder.whole_files import write_whole

LEVEL = 0.95
SCORES = ("accuracy", "head_accuracy", "map", "tag_map", "roc_auc", "pr_auc")
COLUMNS = (*SCORES, *(f"test_{name}" for name in SCORES))
"""Of the validation side, which ranks the variants, then of the test side if it was measured."""


@dataclass(frozen=True, slots=True)
class SeedMean:
    """A mean over seeds, and half the width of its interval (None for one seed)."""

    mean: float
    half_width: float | None

    def shown(self, digits: int = 3) -> str:
        """`0.612 ± 0.021`."""
        reach = "" if self.half_width is None else f" ± {self.half_width:.{digits}f}"
        return f"{self.mean:.{digits}f}{reach}"


@dataclass(frozen=True, slots=True)
class GridRow:
    """One variant."""

    variant: str
    n_seeds: int
    n_failed: int
    """Runs that diverged."""
    scores: Mapping[str, SeedMean]
    seconds: SeedMean | None


def grid_row(variant: str, results: Sequence[Mapping[str, Any]], *, n_failed: int) -> GridRow:
    """The row of a variant, from the `run.json` of each seed."""
    measured = [_all_scores(result) for result in results]
    names = [name for name in COLUMNS if results and all(name in scores for scores in measured)]
    scores = {name: seed_mean([values[name] for values in measured]) for name in names}
    seconds = seed_mean([r["seconds"] for r in results]) if results else None
    return GridRow(variant, len(results), n_failed, scores, seconds)


def _all_scores(result: Mapping[str, Any]) -> dict[str, float]:
    """The scores of a run's `run.json` by column; runs of earlier versions have no `test`."""
    test = result.get("test") or {}
    return {**result["scores"], **{f"test_{name}": score for name, score in test.items()}}


def seed_mean(values: Sequence[float]) -> SeedMean:
    """Mean and Student's interval, for few seeds with unknown spread."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return SeedMean(mean, None)
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return SeedMean(mean, float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)) * error)


def write_tables(folder: Path, rows: Sequence[GridRow]) -> None:
    """`grid.csv`, `grid.md` and `grid.html`, best accuracy first."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = best_first(rows)
    write_whole(folder / "grid.csv", _csv(ordered).encode())
    write_whole(folder / "grid.md", _markdown(ordered).encode())
    write_whole(folder / "grid.html", _html(folder.name, ordered).encode())


def best_first(rows: Sequence[GridRow]) -> list[GridRow]:
    """Sorted by the first score that a row has; rows without scores come last."""

    def goodness(row: GridRow) -> float:
        return next((row.scores[name].mean for name in COLUMNS if name in row.scores), -math.inf)

    return sorted(rows, key=goodness, reverse=True)


def _names(rows: Sequence[GridRow]) -> list[str]:
    return [name for name in COLUMNS if any(name in row.scores for row in rows)]


def _csv(rows: Sequence[GridRow]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = _names(rows)
    scores = [column for name in names for column in (name, f"{name}_ci95")]
    writer.writerow(["variant", "seeds", "failed", *scores, "seconds"])
    for row in rows:
        cells: list[object] = [plain_cell(row.variant), row.n_seeds, row.n_failed]
        for name in names:
            value = row.scores.get(name)
            reach = None if value is None else value.half_width
            cells += ["" if value is None else f"{value.mean:.6g}"]
            cells += ["" if reach is None else f"{reach:.6g}"]
        writer.writerow([*cells, "" if row.seconds is None else f"{row.seconds.mean:.1f}"])
    return text.getvalue()


def _cells(row: GridRow, names: Sequence[str]) -> list[str]:
    scores = [row.scores[name].shown() if name in row.scores else "" for name in names]
    seeds = str(row.n_seeds) + (f" ({row.n_failed} diverged)" if row.n_failed else "")
    return [row.variant, seeds, *scores, "" if row.seconds is None else row.seconds.shown(0)]


def _markdown(rows: Sequence[GridRow]) -> str:
    names = _names(rows)
    head = ["variant", "seeds", *names, "seconds"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *(_cells(row, names) for row in rows)]
    return "".join(f"| {' | '.join(c.replace('|', '/') for c in line)} |\n" for line in lines)


def _html(title: str, rows: Sequence[GridRow]) -> str:
    names = _names(rows)
    note = f'<p class="quiet">Means over the seeds ± half of the {LEVEL:.0%} interval.</p>'
    body = [[f"<td>{html.escape(cell)}</td>" for cell in _cells(row, names)] for row in rows]
    return page(f"Ablation {title}", note + table(["variant", "seeds", *names, "seconds"], body))
