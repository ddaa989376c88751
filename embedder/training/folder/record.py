"""The record of a run: `log.csv` with a line an epoch, and an event file for TensorBoard.

The table is rewritten each epoch from the run's history, so a run that was killed and resumed has
each epoch once. TensorBoard ignores older events from the resumed step on.
"""

import csv
import io
from pathlib import Path
from types import TracebackType
from typing import Any

from tensorboardX import SummaryWriter
from torch import Tensor

from embedder.training.folder.run_state import RunState
from embedder.training.objectives.objective import ObjectiveValue
from embedder.whole_files import write_whole

LOG_NAME = "log.csv"
COLUMNS = (
    "epoch",
    "step",
    "seconds",
    "learning_rate",
    "loss",
    "active_share",
    "positive_distance",
    "negative_distance",
    "effective_rank",
    "accuracy",
    "map",
    "tag_map",
    "roc_auc",
    "pr_auc",
    "score",
)
HELD_OUT = ("accuracy", "map", "tag_map", "roc_auc", "pr_auc", "score")
_FLUSH_SECONDS = 10


class RunRecord:
    """An observer that records a run in its folder."""

    def __init__(self, folder: Path, state: RunState) -> None:
        self._folder = folder
        self._state = state
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> "RunRecord":
        self._writer = SummaryWriter(
            str(self._folder),
            purge_step=self._state.step + 1,
            flush_secs=_FLUSH_SECONDS,
            # Files are named by the second, and a run may be resumed within one.
            filename_suffix=f".{self._state.step:08}",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def after_step(self, step: int, value: ObjectiveValue, embeddings: Tensor) -> None:
        """Record nothing: reading a number each step would wait for the device."""

    def after_epoch(self, record: dict[str, Any]) -> None:
        """Rewrite the table and add the epoch for TensorBoard."""
        write_whole(self._folder / LOG_NAME, log_table(self._state.history).encode())
        if self._writer is None:
            return
        for name, number in record.items():
            if name not in ("epoch", "step"):
                side = "held-out" if name in HELD_OUT else "training"
                self._writer.add_scalar(f"{side}/{name}", number, record["step"])


def log_table(history: list[dict[str, Any]]) -> str:
    """CSV of all epochs; missing numbers are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()
