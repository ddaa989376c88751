"""Several runs in one folder: each is trained once, resumed if it was killed, and then kept."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from embedder.config.loading import to_toml
from embedder.config.training import TrainingConfig
from embedder.errors import TrainingDiverged
from embedder.training.folder.run_folder import RESULT_NAME, STATE_NAME
from embedder.training.train import MakeObservers, OnProgress, train
from embedder.whole_files import write_whole

FAILURE_NAME = "failed.json"


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of several."""

    variant: str
    seed: int
    config: TrainingConfig
    folder: Path

    @property
    def is_done(self) -> bool:
        """Whether the run has finished or failed."""
        return self.result is not None or self.has_failed

    @property
    def has_failed(self) -> bool:
        """Whether the run diverged."""
        return (self.folder / FAILURE_NAME).exists()

    @property
    def result(self) -> Mapping[str, Any] | None:
        """The content of `run.json`; None if the run has not finished."""
        if not (self.folder / RESULT_NAME).exists():
            return None
        content: dict[str, Any] = json.loads((self.folder / RESULT_NAME).read_text("utf-8"))
        return None if content["ended"] == "interrupted" else content


OnCell = Callable[[Cell, int], MakeObservers]


def train_cells(
    data: Path,
    cells: Sequence[Cell],
    *,
    on_cell: OnCell | None = None,
    on_progress: OnProgress | None = None,
) -> None:
    """Train the remaining cells, until one is interrupted. `on_cell` is called before each run."""
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


def with_seed(config: TrainingConfig, seed: int) -> TrainingConfig:
    """The same settings with another seed of weights, random changes and batches."""
    return replace(
        config,
        loop=replace(config.loop, seed=seed),
        sampler=replace(config.sampler, seed=seed),
    )


def cell_folder_name(name: str, seed: int, config: TrainingConfig, data: Path) -> str:
    """A readable name that differs for other settings or data."""
    words = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
    content = f"{data.absolute()}\n{to_toml(config)}".encode("utf-8", "surrogateescape")
    return f"{words}-seed-{seed}-{hashlib.blake2b(content, digest_size=4).hexdigest()}"
