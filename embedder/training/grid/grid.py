"""An ablation: train every combination of settings and seeds once, and write one table.

    seeds = [0, 1, 2]

    [grid]                                   # every combination of these
    "objectives.0.kind" = ["triplet", "softmax"]
    "optimiser.learning_rate" = [0.001, 0.003]

    [[variant]]                              # each combined with all of the above
    name = "without noise"
    set = ["augmentation.noise=0"]

Each cell is an ordinary run in `DIR/cells`. Calling it again skips finished cells, resumes
unfinished ones and trains new ones. A cell that diverges is counted and does not end the grid.
"""

import dataclasses
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedder.config.loading import configure, read_toml
from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError, printable_path
from embedder.training.grid.cells import Cell, OnCell, cell_folder_name, train_cells, with_seed
from embedder.training.grid.grid_table import GridRow, grid_row, write_tables
from embedder.training.train import OnProgress


@dataclass(frozen=True, slots=True)
class GridResult:
    """The result of an ablation so far."""

    folder: Path
    rows: tuple[GridRow, ...]
    n_cells: int
    n_left: int
    """Cells that are not finished, because the grid was interrupted."""

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {**dataclasses.asdict(self), "folder": str(self.folder)}


def read_grid(path: Path, base: TrainingConfig, folder: Path, *, data: Path) -> list[Cell]:
    """All cells, variant by variant; every setting is checked before the first one is trained."""
    content = read_toml(path)
    unknown = set(content) - {"seeds", "grid", "variant"}
    if unknown:
        raise ConfigError(
            f"{printable_path(path)}: unknown {min(unknown)!r}: use seeds, [grid] and [[variant]]"
        )
    seeds = content.get("seeds", [base.loop.seed])
    if not isinstance(seeds, list) or not all(type(seed) is int for seed in seeds) or not seeds:
        raise ConfigError(f"{printable_path(path)}: seeds = {seeds!r}: expected whole numbers")
    cells = []
    for name, assignments in _variants(content, where=printable_path(path)):
        config = configure(base, assignments=assignments)
        for seed in dict.fromkeys(seeds):
            seeded = with_seed(config, seed)
            place = folder / "cells" / cell_folder_name(name, seed, seeded, data)
            cells.append(Cell(name, seed, seeded, place))
    return cells


def run_grid(
    data: Path,
    cells: Sequence[Cell],
    folder: Path,
    *,
    on_cell: OnCell | None = None,
    on_progress: OnProgress | None = None,
) -> GridResult:
    """Train the remaining cells and write the tables."""
    train_cells(data, cells, on_cell=on_cell, on_progress=on_progress)
    return _summary(cells, folder)


def _summary(cells: Sequence[Cell], folder: Path) -> GridResult:
    rows = []
    for variant in dict.fromkeys(cell.variant for cell in cells):
        own = [cell for cell in cells if cell.variant == variant]
        ended = [result for cell in own if (result := cell.result) is not None]
        n_failed = sum(cell.has_failed for cell in own)
        rows.append(grid_row(variant, ended, n_failed=n_failed))
    if any(row.n_seeds or row.n_failed for row in rows):
        write_tables(folder, rows)
    n_left = sum(not cell.is_done for cell in cells)
    return GridResult(folder, tuple(rows), len(cells), n_left)


def _variants(content: dict[str, Any], *, where: str) -> list[tuple[str, tuple[str, ...]]]:
    """Names and assignments of all combinations."""
    axes: dict[str, Any] = content.get("grid", {})
    for key, values in axes.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"{where}: grid.{key} = {values!r}: give a list, keys in quotes")
    choices = [[(key, value) for value in values] for key, values in axes.items()]
    named = content.get("variant", [{"name": "", "set": []}])
    variants = []
    for variant in named:
        if set(variant) - {"name", "set"} or "name" not in variant:
            raise ConfigError(f"{where}: a [[variant]] has a name and a list called set")
        for combination in itertools.product(*choices):
            words = [f"{key.rpartition('.')[2]}={_shown(value)}" for key, value in combination]
            name = ", ".join([*([variant["name"]] if variant["name"] else []), *words])
            assignments = tuple(f"{key}={_as_toml(value)}" for key, value in combination)
            variants.append((name or "unchanged", (*variant.get("set", ()), *assignments)))
    names = [name for name, _ in variants]
    if len(set(names)) < len(names):
        raise ConfigError(f"{where}: two variants have the same name: give each its own")
    return variants


def _as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_as_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(_as_toml(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else _as_toml(value)
