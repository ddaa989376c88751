"""Cross-validation: a model for each fold, measured on the fold that it has not seen.

The folds keep the tracks of an artist together. Each run lies in `DIR/fold-0`, `DIR/fold-1` …;
`DIR/settings.toml` holds what they share. Another call keeps finished folds and continues.
"""

import csv
import dataclasses
import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from embedder.config.loading import to_toml
from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError, printable_path
from embedder.training.grid.cells import Cell, OnCell, train_cells
from embedder.training.grid.grid_table import SCORES
from embedder.training.train import OnProgress
from embedder.whole_files import write_whole

SETTINGS_NAME, TABLE_NAME = "settings.toml", "folds.csv"


@dataclass(frozen=True, slots=True)
class FoldRow:
    """The scores of one fold's model on this fold."""

    fold: int
    folder: Path
    n_tracks: int
    """Tracks of the fold that were measured."""
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class FoldsResult:
    """All folds that are finished, and what they have in common."""

    folder: Path
    n_folds: int
    n_left: int
    """Folds that are not finished, because the command was interrupted."""
    n_failed: int
    folds: tuple[FoldRow, ...]
    mean: dict[str, float]
    deviation: dict[str, float]
    """The standard deviation over the folds; empty with fewer than two."""

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return dataclasses.asdict(self)


def fold_cells(config: TrainingConfig, folder: Path, *, n_folds: int, data: Path) -> list[Cell]:
    """A run for each fold. Refuses a folder that holds folds of other settings or data."""
    if n_folds < 2:
        raise ConfigError(f"--folds {n_folds}: give 2 or more")
    shared = replace(config, stopping=replace(config.stopping, measure_test=True))
    settings = folder / SETTINGS_NAME
    text = _settings_text(shared, n_folds, data)
    if settings.exists() and settings.read_text("utf-8", "surrogateescape") != text:
        raise ConfigError(
            f"{printable_path(folder)}: holds folds of other settings or data. Choose another "
            "folder with -o, or repeat the command that began them."
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(settings, text.encode("utf-8", "surrogateescape"))
    return [
        Cell(
            f"fold {fold}",
            config.loop.seed,
            replace(shared, dataset=replace(config.dataset, fold=fold, n_folds=n_folds)),
            folder / f"fold-{fold}",
        )
        for fold in range(n_folds)
    ]


def run_folds(
    data: Path,
    cells: Sequence[Cell],
    folder: Path,
    *,
    on_cell: OnCell | None = None,
    on_progress: OnProgress | None = None,
) -> FoldsResult:
    """Train the remaining folds and write `folds.csv`."""
    train_cells(data, cells, on_cell=on_cell, on_progress=on_progress)
    rows = []
    for cell in cells:
        if (ended := cell.result) is not None:
            scores = {name: ended["test"][name] for name in SCORES if name in ended["test"]}
            n_tracks = ended["n_tracks"].get("test", 0)
            rows.append(FoldRow(cell.config.dataset.fold, cell.folder, n_tracks, scores))
    names = [name for name in SCORES if rows and all(name in row.scores for row in rows)]
    values = {name: [row.scores[name] for row in rows] for name in names}
    result = FoldsResult(
        folder=folder,
        n_folds=len(cells),
        n_left=sum(not cell.is_done for cell in cells),
        n_failed=sum(cell.has_failed for cell in cells),
        folds=tuple(rows),
        mean={name: statistics.fmean(values[name]) for name in names},
        deviation={name: statistics.stdev(values[name]) for name in names} if rows[1:] else {},
    )
    if rows:
        write_whole(folder / TABLE_NAME, _csv(table_rows(result)).encode())
    return result


def table_rows(result: FoldsResult) -> list[dict[str, Any]]:
    """A row for each fold, then mean and deviation."""
    rows: list[dict[str, Any]] = [
        {"fold": str(row.fold), "tracks": row.n_tracks, **_rounded(row.scores)}
        for row in result.folds
    ]
    n_tracks = sum(row.n_tracks for row in result.folds)
    rows.append({"fold": "mean", "tracks": n_tracks, **_rounded(result.mean)})
    if result.deviation:
        rows.append({"fold": "deviation", "tracks": None, **_rounded(result.deviation)})
    return rows


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(score, 4) for name, score in scores.items()}


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _settings_text(config: TrainingConfig, n_folds: int, data: Path) -> str:
    whole = replace(config, dataset=replace(config.dataset, fold=-1, n_folds=n_folds))
    return f"# {n_folds} folds of {printable_path(data.absolute())}\n{to_toml(whole)}"
