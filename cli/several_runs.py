"""`soundalike train` with --grid, --folds or --curve: several runs, and one table at the end."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.options import Globals
from cli.output import emit, emit_text
from cli.talk import say
from cli.training_talk import Follower
from embedder.errors import PartialFailure, UsageError

if TYPE_CHECKING:
    from embedder.config.training import TrainingConfig
    from embedder.training.grid.cells import Cell, OnCell


@dataclass(frozen=True, slots=True)
class SeveralRuns:
    """What --grid, --folds, --curve and --seeds ask for; at most one of the first three."""

    grid: Path | None = None
    folds: int = 0
    curve: str = ""
    seeds: int | None = None

    def __post_init__(self) -> None:
        given = self._given()
        if len(given) > 1:
            raise UsageError(f"give one of {', '.join(f'--{name}' for name in given)}")
        if self.folds == 1:
            raise UsageError("--folds 1: give 2 or more")
        if self.seeds and not self.curve:
            raise UsageError("--seeds is for --curve; a --grid file has seeds = [0, 1, 2]")

    @property
    def name(self) -> str:
        """Which option asks for several runs: `grid`, `folds`, `curve`, or none."""
        return "".join(self._given())

    def _given(self) -> list[str]:
        options = {"grid": self.grid is not None, "folds": self.folds > 0, "curve": self.curve}
        return [name for name, is_given in options.items() if is_given]

    def train(self, settings: Globals, dataset: Path, base: "TrainingConfig", folder: Path) -> None:
        """Train the runs that are not done yet, then print their table."""
        from embedder.training.grid.curve import parse_numbers

        if self.grid is not None:
            run_grid(settings, dataset, self.grid, base, folder)
        elif self.folds:
            run_folds(settings, dataset, base, folder, n_folds=self.folds)
        else:
            numbers, n_seeds = parse_numbers(self.curve), self.seeds or 3
            run_curve(settings, dataset, base, folder, numbers=numbers, n_seeds=n_seeds)


def run_grid(
    settings: Globals, dataset: Path, grid: Path, base: "TrainingConfig", folder: Path
) -> None:
    """Train every variant that is not done yet, then print the table."""
    from embedder.training.grid import grid as grids
    from embedder.training.grid.grid_table import best_first

    cells = grids.read_grid(grid, base, folder, data=dataset)
    with Follower(settings) as follower:
        on_cell = _announcer(settings, follower, cells)
        result = grids.run_grid(
            dataset, cells, folder, on_cell=on_cell, on_progress=follower.prepared
        )
    _check_finished(settings, n_runs=result.n_cells, n_left=result.n_left)
    rows = [
        {
            "variant": row.variant,
            "seeds": row.n_seeds,
            **{name: score.shown() for name, score in row.scores.items()},
        }
        for row in best_first(result.rows)
    ]
    emit(settings, result.to_json(), rows=rows, title=f"All variants; tables in {folder}")
    _check_none_diverged(sum(row.n_failed for row in result.rows), n_runs=result.n_cells)


def run_folds(
    settings: Globals, dataset: Path, base: "TrainingConfig", folder: Path, *, n_folds: int
) -> None:
    """Train the folds that are not done yet, then print each fold's scores and their mean."""
    from embedder.training.grid import folds

    cells = folds.fold_cells(base, folder, n_folds=n_folds, data=dataset)
    with Follower(settings) as follower:
        on_cell = _announcer(settings, follower, cells)
        result = folds.run_folds(
            dataset, cells, folder, on_cell=on_cell, on_progress=follower.prepared
        )
    _check_finished(settings, n_runs=n_folds, n_left=result.n_left)
    title = f"Each model on the fold that it has not seen; the runs are in {folder}"
    emit(settings, result.to_json(), rows=folds.table_rows(result), title=title)
    whole = ["soundalike", "train", str(dataset), "--config", str(folder / folds.SETTINGS_NAME)]
    emit_text(settings, "\nNext, a model of all tracks with the same settings:")
    emit_text(settings, f"  {shlex.join([*whole, '-o', f'{folder}-all'])}")
    _check_none_diverged(result.n_failed, n_runs=n_folds)


def run_curve(
    settings: Globals,
    dataset: Path,
    base: "TrainingConfig",
    folder: Path,
    *,
    numbers: Sequence[int],
    n_seeds: int,
) -> None:
    """Train the runs that are not done yet, then print a row for each number of tracks."""
    from embedder.training.grid import curve

    cells = curve.curve_cells(base, folder, numbers=numbers, n_seeds=n_seeds, data=dataset)
    with Follower(settings) as follower:
        on_cell = _announcer(settings, follower, cells)
        result = curve.run_curve(
            dataset, cells, folder, on_cell=on_cell, on_progress=follower.prepared
        )
    _check_finished(settings, n_runs=result.n_runs, n_left=result.n_left)
    sides = " or ".join(sorted({point.side for point in result.points}))
    title = f"Scores on the {sides} side; the figure is {folder / 'curve.png'}"
    emit(settings, result.to_json(), rows=curve.table_rows(result.points), title=title)
    _check_none_diverged(sum(point.n_failed for point in result.points), n_runs=result.n_runs)


def _announcer(settings: Globals, follower: Follower, cells: Sequence["Cell"]) -> "OnCell":
    """Says which run begins."""

    def announce(cell: "Cell", number: int) -> Any:
        say(settings, f"{number + 1}/{len(cells)}: {cell.variant}, seed {cell.seed}")
        return follower.observe

    return announce


def _check_finished(settings: Globals, *, n_runs: int, n_left: int) -> None:
    if n_left:
        say(settings, f"{n_runs - n_left} of {n_runs} runs are done; the same command continues")
        raise KeyboardInterrupt


def _check_none_diverged(n_failed: int, *, n_runs: int) -> None:
    if n_failed:
        raise PartialFailure(f"{n_failed} of {n_runs} runs diverged")
