"""The progress of a training run: a bar with rate and time left, and a line for each epoch."""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cli.options import Globals
from cli.progress import bar
from cli.talk import say

if TYPE_CHECKING:
    from embedder.training.run import TrainingRun

# What an epoch's line shows, in this order, if the epoch has it.
SHOWN = {
    "loss": "loss {:.4f}",
    "active_share": "active {:.0%}",
    "effective_rank": "rank {:.1f}",
    "accuracy": "held-out accuracy {:.1%}",
    "map": "mAP {:.3f}",
    "tag_map": "tag mAP {:.3f}",
    "pr_auc": "tagging PR-AUC {:.3f}",
}

FEW_HELD_OUT = 100


class Follower:
    """Shows the preparation of features, then the steps of the run; writes only to stderr."""

    def __init__(self, settings: Globals, *, label: str = "") -> None:
        self._settings = settings
        self._label = label
        self._bars = ExitStack()
        self._advance: Callable[[int], None] | None = None
        self._n_epochs = 0
        self._n_held_out = 0

    def __enter__(self) -> "Follower":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.close()

    def prepared(self, n_done: int, n_tracks: int) -> None:
        """The features of one more track are ready."""
        if self._advance is None:
            self._start("Analysing", n_tracks)
        if self._advance is not None:
            self._advance(1)
        if n_done == n_tracks:
            self._stop()

    def observe(self, run: "TrainingRun") -> list["Follower"]:
        """Follow the run from its current step."""
        self._stop()
        config, loop = run.config, run.loop
        self._n_epochs = config.loop.epochs
        self._n_held_out = len(run.held_out.queries)
        if loop.state.step:
            say(self._settings, f"{self._label}continuing after step {loop.state.step}")
        self._start("Training", max(loop.n_steps - loop.state.step, 0))
        return [self]

    def after_step(self, *_: Any) -> None:
        """Move the bar."""
        if self._advance is not None:
            self._advance(1)

    def after_epoch(self, record: dict[str, Any]) -> None:
        """Print one line for the epoch."""
        scores = [self._shown(name, record[name]) for name in SHOWN if name in record]
        title = "fitted"  # epoch 0: the model before training, measured on held-out tracks
        if record["epoch"]:
            title = f"epoch {record['epoch']}/{self._n_epochs}"
            scores.append(f"{record['seconds']:.0f} s")
        if scores:
            say(self._settings, f"{self._label}{title}: {', '.join(scores)}")

    def _shown(self, name: str, value: float) -> str:
        """One score; a share of few tracks says of how many."""
        text = SHOWN[name].format(value)
        if name == "accuracy" and 0 < self._n_held_out < FEW_HELD_OUT:
            text += f" of only {self._n_held_out} tracks"
        return text

    def _start(self, label: str, total: int) -> None:
        self._advance = self._bars.enter_context(bar(self._settings, label=label, total=total))

    def _stop(self) -> None:
        self._bars.close()
        self._advance = None
