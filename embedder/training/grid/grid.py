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
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedder.config.loading import configure, read_toml, to_toml
from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError, TrainingDiverged, printable_path
from embedder.training.folder.run_folder import RESULT_NAME, STATE_NAME
from embedder.training.grid.grid_table import GridRow, grid_row, write_tables
from embedder.training.train import MakeObservers, OnProgress, train
from embedder.whole_files import write_whole

FAILURE_NAME = "failed.json"


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of the grid."""

    variant: str
    seed: int
    config: TrainingConfig
    folder: Path

    @property
    def is_done(self) -> bool:
        """Whether the run has finished or failed."""
        return _ended_well(self.folder) or (self.folder / FAILURE_NAME).exists()


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
            seeded = dataclasses.replace(
                config,
                loop=dataclasses.replace(config.loop, seed=seed),
                sampler=dataclasses.replace(config.sampler, seed=seed),
            )
            place = folder / "cells" / _folder_name(name, seed, seeded, data)
            cells.append(Cell(name, seed, seeded, place))
    return cells


def run_grid(
    data: Path,
    cells: Sequence[Cell],
    folder: Path,
    *,
    on_cell: Callable[[Cell, int], MakeObservers] | None = None,
    on_progress: OnProgress | None = None,
) -> GridResult:
    """Train the remaining cells and write the tables. `on_cell` is called before each run."""
    for number, cell in enumerate(cells):
        if cell.is_done:
            continue
        observers = on_cell(cell, number) if on_cell else None
        has_begun = (cell.folder / STATE_NAME).exists()
        try:
            result = train(
                data,
                cell.config,
                cell.folder,
                resume=has_begun,
                force=not has_begun,  # a folder without a state never took a step
                make_observers=observers,
                on_progress=on_progress,
            )
        except TrainingDiverged as error:
            cell.folder.mkdir(parents=True, exist_ok=True)
            write_whole(cell.folder / FAILURE_NAME, json.dumps({"reason": str(error)}).encode())
            continue
        if result.ended == "interrupted":
            break
    return _summary(cells, folder)


def _summary(cells: Sequence[Cell], folder: Path) -> GridResult:
    rows = []
    for variant in dict.fromkeys(cell.variant for cell in cells):
        own = [cell for cell in cells if cell.variant == variant]
        ended = [_result_of(cell.folder) for cell in own if _ended_well(cell.folder)]
        n_failed = sum((cell.folder / FAILURE_NAME).exists() for cell in own)
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


def _folder_name(name: str, seed: int, config: TrainingConfig, data: Path) -> str:
    """A readable name that differs for other settings or data."""
    words = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
    content = f"{data.absolute()}\n{to_toml(config)}".encode("utf-8", "surrogateescape")
    return f"{words}-seed-{seed}-{hashlib.blake2b(content, digest_size=4).hexdigest()}"


def _ended_well(folder: Path) -> bool:
    return (folder / RESULT_NAME).exists() and _result_of(folder)["ended"] != "interrupted"


def _result_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / RESULT_NAME).read_text(encoding="utf-8"))
    return content
