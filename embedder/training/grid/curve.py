"""A learning curve: how the held-out scores grow with the tracks of each label.

Each number of tracks is trained with several seeds, which also draw other tracks and, if the data
set stores none, another split. The runs lie in `DIR/cells`; another call keeps finished ones, so
numbers and seeds can be added later.
"""

import csv
import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError
from embedder.training.grid.cells import Cell, OnCell, cell_folder_name, train_cells, with_seed
from embedder.training.grid.grid_table import LEVEL, SCORES, SeedMean, seed_mean
from embedder.training.train import OnProgress
from embedder.whole_files import write_whole

ALL = "all"
TABLE_NAME, PICTURE_NAMES = "curve.csv", ("curve.png", "curve.svg")
_COLOURS = {
    "accuracy": "#0b6e99",
    "head_accuracy": "#7a4b94",
    "map": "#c2571a",
    "tag_map": "#5b7f2b",
}
_TITLES = {
    "accuracy": "accuracy of the neighbours' vote",
    "head_accuracy": "accuracy of the head",
    "map": "mean average precision",
    "tag_map": "tags, MAP",
}


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """All runs with one number of tracks for each label."""

    per_label: int
    """0: all tracks."""
    n_tracks: float
    """Training tracks of a run; the mean over the seeds."""
    n_seeds: int
    n_failed: int
    side: str
    """The side that was measured: test, or validation if the data set has no test side."""
    scores: dict[str, SeedMean]


@dataclass(frozen=True, slots=True)
class CurveResult:
    """The learning curve so far."""

    folder: Path
    n_runs: int
    n_left: int
    """Runs that are not finished, because the command was interrupted."""
    points: tuple[CurvePoint, ...]

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return dataclasses.asdict(self)


def parse_numbers(text: str) -> tuple[int, ...]:
    """`5,10,all` as (5, 10, 0)."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    numbers = [0 if word == ALL else int(word) if word.isdecimal() else -1 for word in words]
    if not numbers or any(n < 1 and word != ALL for n, word in zip(numbers, words, strict=True)):
        raise ConfigError(f"--curve {text!r}: give numbers of tracks, such as 5,10,50 or 10,all")
    return tuple(sorted(set(numbers), key=lambda number: number or float("inf")))


def curve_cells(
    config: TrainingConfig, folder: Path, *, numbers: Sequence[int], n_seeds: int, data: Path
) -> list[Cell]:
    """A run for each number of tracks and each seed, the smallest number first."""
    cells = []
    for number in numbers:
        name = f"{number or ALL} a label"
        for seed in range(config.loop.seed, config.loop.seed + n_seeds):
            seeded = replace(
                with_seed(config, seed),
                dataset=replace(config.dataset, limit_per_label=number, seed=seed),
                stopping=replace(config.stopping, measure_test=True),
            )
            place = folder / "cells" / cell_folder_name(name, seed, seeded, data)
            cells.append(Cell(name, seed, seeded, place))
    return cells


def run_curve(
    data: Path,
    cells: Sequence[Cell],
    folder: Path,
    *,
    on_cell: OnCell | None = None,
    on_progress: OnProgress | None = None,
) -> CurveResult:
    """Train the remaining runs; write `curve.csv` and the figure."""
    train_cells(data, cells, on_cell=on_cell, on_progress=on_progress)
    points = []
    for number in dict.fromkeys(cell.config.dataset.limit_per_label for cell in cells):
        own = [cell for cell in cells if cell.config.dataset.limit_per_label == number]
        if (point := _point(number, own)) is not None:
            points.append(point)
    n_left = sum(not cell.is_done for cell in cells)
    result = CurveResult(folder, len(cells), n_left, tuple(points))
    if points:
        write_whole(folder / TABLE_NAME, _csv(points).encode())
        for name in PICTURE_NAMES:
            write_whole(folder / name, draw_curve(points, form=Path(name).suffix[1:]))
    return result


def _point(number: int, cells: Sequence[Cell]) -> CurvePoint | None:
    ended = [result for cell in cells if (result := cell.result) is not None]
    if not ended:
        return None
    side = "test" if all(run["test"] for run in ended) else "validation"
    measured = [run["test" if side == "test" else "scores"] for run in ended]
    names = [name for name in SCORES if all(name in scores for scores in measured)]
    return CurvePoint(
        per_label=number,
        n_tracks=sum(run["n_tracks"].get("train", 0) for run in ended) / len(ended),
        n_seeds=len(ended),
        n_failed=sum(cell.has_failed for cell in cells),
        side=side,
        scores={name: seed_mean([scores[name] for scores in measured]) for name in names},
    )


def table_rows(points: Sequence[CurvePoint]) -> list[dict[str, Any]]:
    """A row for each number of tracks, for people."""
    return [
        {
            "tracks a label": str(point.per_label or ALL),
            "training tracks": round(point.n_tracks),
            "seeds": point.n_seeds,
            **{name: score.shown() for name, score in point.scores.items()},
        }
        for point in points
    ]


def draw_curve(points: Sequence[CurvePoint], *, form: str) -> bytes:
    """Training tracks against the scores, each with its interval, as `png` or `svg`."""
    figure = Figure(figsize=(7.0, 4.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, colour in _COLOURS.items():
        known_points = [point for point in points if name in point.scores]
        if not known_points:
            continue
        x = [point.n_tracks for point in known_points]
        means = [point.scores[name].mean for point in known_points]
        reach = [point.scores[name].half_width or 0.0 for point in known_points]
        low = [max(mean - r, 0.0) for mean, r in zip(means, reach, strict=True)]
        high = [min(mean + r, 1.0) for mean, r in zip(means, reach, strict=True)]
        axes.plot(x, means, color=colour, marker="o", label=_TITLES[name])
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    ticks = [point.n_tracks for point in points]
    axes.set_xscale("log")
    axes.set_xticks(
        ticks, [f"{round(point.n_tracks)}\n({point.per_label or ALL})" for point in points]
    )
    axes.minorticks_off()
    axes.set_ylim(0, 1)
    axes.set_xlabel("training tracks (for each label)")
    sides = sorted({point.side for point in points})
    seeds = "/".join(str(n) for n in sorted({point.n_seeds for point in points}))
    axes.set_title(
        f"Scores on the {' or '.join(sides)} side, {seeds} seeds, {LEVEL:.0%} interval", loc="left"
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    picture = io.BytesIO()
    figure.savefig(picture, format=form)
    return picture.getvalue()


def _csv(points: Sequence[CurvePoint]) -> str:
    names = [name for name in SCORES if any(name in point.scores for point in points)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [column for name in names for column in (name, f"{name}_ci95")]
    writer.writerow(["per_label", "training_tracks", "side", "seeds", "failed", *columns])
    for point in points:
        cells: list[object] = [point.per_label or ALL, f"{point.n_tracks:g}", point.side]
        cells += [point.n_seeds, point.n_failed]
        for name in names:
            score = point.scores.get(name)
            reach = None if score is None else score.half_width
            cells += ["" if score is None else f"{score.mean:.6g}"]
            cells += ["" if reach is None else f"{reach:.6g}"]
        writer.writerow(cells)
    return text.getvalue()
