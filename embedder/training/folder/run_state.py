"""The state of a run on disk, so that a killed run can be resumed and ends the same.

Two files in the run's folder, replaced together at the end of an epoch or on Ctrl-C:

    state.safetensors   network, objective, optimiser and average, to the bit
    state.json          epoch, step, best score, history; written last, with the tensors' digest

No pickle. Random numbers need no state: each step has its own seed.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor, nn
from torch.optim import Optimizer

from embedder.errors import ConfigError, CorruptArtefact, printable_path
from embedder.training.folder.run_folder import STATE_NAME
from embedder.whole_files import write_whole

TENSORS_NAME = "state.safetensors"


@dataclass(slots=True)
class RunState:
    """The numbers of a run in progress."""

    config_digest: str
    data_digest: str
    step: int = 0
    """Finished steps."""
    epoch: int = 0
    """Finished epochs."""
    next_batch: int = 0
    """Finished batches of the current epoch."""
    n_average_updates: int = 0
    best_score: float = -1.0
    best_loss: float | None = None
    """The training loss of the best epoch; None if it has none."""
    best_epoch: int = -1
    improved_epoch: int = -1
    """The last epoch with a higher score than all before it."""
    n_rate_drops: int = 0
    """How often a plateau has lowered the learning rate."""
    rate_drop_epoch: int = 0
    """The epoch in which it was lowered last."""
    seconds: float = 0.0
    is_finished: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)
    """One record an epoch."""
    epoch_sums: dict[str, float] = field(default_factory=dict)
    """Running sums of the current epoch."""
    notes: list[str] = field(default_factory=list)
    """The doctor's warnings."""
    doctor: dict[str, Any] = field(default_factory=dict)
    """Its findings."""

    def accept_best(self, record: dict[str, Any]) -> bool:
        """Whether the epoch of the record is the best so far; if so, remember it.

        Of equal scores, the lower training loss wins, then the later epoch. If no tracks are held
        out, there is no score, and the last epoch is the best.
        """
        score, loss = record.get("score"), record.get("loss")
        is_higher = score is None or self.best_epoch < 0 or score > self.best_score
        if not (is_higher or self._is_equally_good(record)):
            return False
        if is_higher:
            self.improved_epoch = self.epoch
        self.best_score = self.best_score if score is None else score
        self.best_loss, self.best_epoch = loss, self.epoch
        return True

    def epochs_without_gain(self, *, since_epoch: int = 0) -> int:
        """Epochs since the last better score, or since `since_epoch` if that was later."""
        return self.epoch - max(self.improved_epoch, since_epoch, 0)

    def note_plateau(self, patience_epochs: int) -> None:
        """Lower the learning rate if no score was better for this many epochs."""
        if self.epochs_without_gain(since_epoch=self.rate_drop_epoch) >= patience_epochs:
            self.n_rate_drops, self.rate_drop_epoch = self.n_rate_drops + 1, self.epoch

    def _is_equally_good(self, record: dict[str, Any]) -> bool:
        """Whether an epoch has the best score so far and no higher loss."""
        loss = record.get("loss")
        is_lower = self.best_loss is None or (loss is not None and loss <= self.best_loss)
        return is_lower and record.get("score") == self.best_score


def save_state(folder: Path, state: RunState, tensors: dict[str, Tensor]) -> None:
    """Write both files; a crash in between leaves a pair that loading refuses or the old pair."""
    data = safetensors.save({name: t.detach().cpu().contiguous() for name, t in tensors.items()})
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    write_whole(folder / f"{digest}.{TENSORS_NAME}", data)
    content = json.dumps({**asdict(state), "tensors": digest})
    write_whole(folder / STATE_NAME, content.encode())
    for old in folder.glob(f"*.{TENSORS_NAME}"):
        if not old.name.startswith(digest):
            old.unlink()


def load_state(folder: Path, *, data_digest: str) -> tuple[RunState, dict[str, Tensor]]:
    """Load what `save_state` wrote; refuse other data."""
    path = folder / STATE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        digest = content.pop("tensors")
        state = RunState(**content)
        data = (folder / f"{digest}.{TENSORS_NAME}").read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptArtefact(
            f"{printable_path(path)}: cannot resume from it ({error}). Start the run anew with "
            "--force."
        ) from error
    if state.data_digest != data_digest:
        raise ConfigError(
            f"{printable_path(folder)}: the data are not those that the run began with, or some "
            "files cannot be read now. Restore them, or start anew with --force."
        )
    if hashlib.blake2b(data, digest_size=16).hexdigest() != digest:
        raise CorruptArtefact(f"{printable_path(path)}: the saved tensors were altered")
    try:
        return state, safetensors.load(data)
    except SafetensorError as error:
        raise CorruptArtefact(f"{printable_path(path)}: {error}") from error


def module_tensors(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    """A module's state under a prefix."""
    return {f"{prefix}.{name}": tensor for name, tensor in module.state_dict().items()}


def load_module(module: nn.Module, tensors: dict[str, Tensor], prefix: str) -> None:
    """Load what `module_tensors` gave."""
    start = f"{prefix}."
    module.load_state_dict(
        {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}
    )


def optimiser_tensors(optimiser: Optimizer) -> dict[str, Tensor]:
    """The optimiser's state (momenta, counts), by the weight's position and the name."""
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{position}.{name}": value
        for position, memory in state.items()
        for name, value in memory.items()
        if isinstance(value, Tensor)
    }


def load_optimiser(optimiser: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Load what `optimiser_tensors` gave."""
    memory: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, position, key = name.split(".", 2)
            memory.setdefault(int(position), {})[key] = tensor
    state = optimiser.state_dict()
    optimiser.load_state_dict({"state": memory, "param_groups": state["param_groups"]})
