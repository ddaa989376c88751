"""The inputs and outputs of one training step. `loop.py` runs the steps."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from embedder.config.training import OptimiserConfig
from embedder.errors import TrainingDiverged
from embedder.features.front_end import FrontEnd
from embedder.training.augment.places import Augment
from embedder.training.doctor import Doctor
from embedder.training.feeding.sources import BatchSource, Rows
from embedder.training.objectives.objective import Objective, ObjectiveValue
from embedder.training.objectives.targets import BatchTargets, TrackTargets
from embedder.training.ranks.modules import share_batches
from embedder.training.ranks.ranks import Ranks
from embedder.training.sampling.batches import BatchSampler

Validate = Callable[[nn.Module, FrontEnd], dict[str, float]]
"""Held-out scores of a network; `score` is the one that stopping and `best` use."""


class Observer(Protocol):
    """Receives the events of a run: logs and progress bars."""

    def after_step(self, step: int, value: ObjectiveValue, embeddings: Tensor) -> None:
        """A step was taken."""

    def after_epoch(self, record: dict[str, Any]) -> None:
        """An epoch was finished and measured."""


@dataclass(frozen=True, slots=True)
class LoopParts:
    """What the loop runs on. `targets` and `rows` go together: the tracks to train on."""

    network: nn.Module
    front_end: FrontEnd
    objective: Objective
    source: BatchSource
    rows: Rows
    targets: TrackTargets
    sampler: BatchSampler
    augmentation: Augment
    validate: Validate
    doctor: Doctor | None
    data_digest: str
    config_digest: str


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """A batch, and the inputs of this process's part of it."""

    rows: Rows
    """int64 [batch]: the tracks of the whole batch."""
    read_places: Rows
    """Which places of this process's part could be read."""
    levels: Tensor
    """float32 [read, rows, columns]: their crops."""


class AsTheyAre:
    """Targets that stay in 32 bits. Fabric converts every tensor in a module's input to the
    precision of the network, in which distances between features lose digits.
    """

    def __init__(self, targets: BatchTargets) -> None:
        self.targets = targets


class StepModule(nn.Module):
    """Network and objective as one module, because Fabric sets up one module."""

    def __init__(self, parts: LoopParts, ranks: Ranks) -> None:
        super().__init__()
        self.ranks = ranks
        share_batches(parts.network, ranks)
        share_batches(parts.front_end, ranks)
        self.network: nn.Module = parts.network
        self.objective = parts.objective
        self.normalisation = parts.front_end.normalisation

    def forward(
        self, levels: Tensor, targets: AsTheyAre, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Any]]:
        """Levels to embeddings, and the value of the objective as a dict. With several processes,
        levels are those of one, and everything else is of the whole batch.
        """
        embeddings = self.ranks.gathered(self.network(self.normalisation(levels)).float())
        with torch.autocast(embeddings.device.type, enabled=False):  # distances need 32 bits
            value = self.objective(embeddings, targets.targets, generator=generator)
        fields = known_fields(value)
        if self.ranks.n > 1:  # weights without a gradient would make the processes wait
            fields["loss"] = value.loss + 0 * sum(w.sum() for w in self.objective.parameters())
        return embeddings, fields


def diverged(what: str, step: int, optimiser: OptimiserConfig) -> TrainingDiverged:
    """The error of a run whose numbers are no longer finite."""
    return TrainingDiverged(
        f"step {step}: {what} is no longer a number. Lower optimiser.learning_rate "
        f"({optimiser.learning_rate:g}) or set loop.gradient_clip."
    )


def known_fields(record: Any) -> dict[str, Any]:
    """A record's fields that are not None."""
    pairs = ((item.name, getattr(record, item.name)) for item in dataclasses.fields(record))
    return {name: value for name, value in pairs if value is not None}


def step_generator(seed: int, step: int, *, purpose: int) -> torch.Generator:
    """The generator of all random choices in one step of a run."""
    return torch.Generator().manual_seed(step_seed(seed, step, purpose=purpose))


def step_seed(seed: int, step: int, *, purpose: int) -> int:
    """The seed of random choices in one step of a run."""
    words = np.random.SeedSequence([seed, step, purpose]).generate_state(2, np.uint32)
    return int(words[0]) | (int(words[1]) & 0x7FFFFFFF) << 32


class EpochSums:
    """Means over the steps of an epoch, without waiting for the device at each of them.

    The sums live in the run's state; numbers of a step that the device has not finished are read a
    step later.
    """

    names = ("loss", "active_share", "positive_distance", "negative_distance")

    def __init__(self, *, n_behind: int) -> None:
        self.n_behind = n_behind
        self._pending: list[tuple[int, Tensor]] = []

    def add(self, step: int, value: ObjectiveValue) -> None:
        """Remember a step's numbers."""
        numbers = [getattr(value, name).detach().float() for name in self.names]
        self._pending.append((step, torch.stack(numbers)))

    def settle(self, sums: dict[str, float], *, n_behind: int | None = None) -> int | None:
        """Add finished steps to the sums; return the first step with an infinite or NaN loss."""
        keep = self.n_behind if n_behind is None else n_behind
        while len(self._pending) > keep:
            step, numbers = self._pending.pop(0)
            for name, number in zip(self.names, numbers.tolist(), strict=True):
                if np.isfinite(number):
                    sums[name] = sums.get(name, 0.0) + number
                    sums[f"n_{name}"] = sums.get(f"n_{name}", 0.0) + 1
                elif name == "loss":
                    return step
        return None

    def means(self, sums: dict[str, float]) -> dict[str, float]:
        """The means over an epoch."""
        return {name: sums[name] / sums[f"n_{name}"] for name in self.names if name in sums}
