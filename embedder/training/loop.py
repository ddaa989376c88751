"""The loop: batches through the network, the objective's gradient into the weights.

    sampler ─▶ crops ─▶ augmentation ─▶ normalisation ─▶ network ─▶ objective ─▶ optimiser
       (prepared ahead in a thread)

Every random choice of a step is drawn from (seed, step), so a run that was killed goes on to the
same weights as one that never was. Devices, number formats and several machines are Lightning
Fabric's business.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from embedder.augment.building import Augmentation
from embedder.backbones.network import EmbeddingNetwork
from embedder.config.training import TrainingConfig
from embedder.errors import TrainingDiverged
from embedder.features.front_end import FrontEnd
from embedder.objectives.objective import Objective, ObjectiveValue
from embedder.objectives.targets import BatchTargets, TrackTargets
from embedder.pipeline import map_in_threads
from embedder.sampling.batches import BatchSampler
from embedder.training.interruption import Interruption
from embedder.training.optimisers import (
    WeightAverage,
    build_optimiser,
    l1_norm,
    rate_factor,
    set_rates,
)
from embedder.training.run_state import (
    RunState,
    load_module,
    load_optimiser,
    load_state,
    module_tensors,
    optimiser_tensors,
    save_state,
)
from embedder.training.sources import BatchSource, Rows

SAVE_EVERY_SECONDS = 120.0
"""A killed run loses at most this much, and the rest of a step."""


class Observer(Protocol):
    """Who is told what happens; the doctor, the logs and the progress bar are."""

    def after_step(self, step: int, value: ObjectiveValue, embeddings: Tensor) -> None:
        """A step was taken."""

    def after_epoch(self, record: dict[str, Any]) -> None:
        """An epoch was finished and measured."""


Validate = Callable[[nn.Module, FrontEnd], dict[str, float]]
"""Held-out scores of a network; `score` is the one that stopping and `best` go by."""


@dataclass(frozen=True, slots=True)
class LoopParts:
    """What the loop runs on. `targets` and `rows` go together: the tracks to train on."""

    network: EmbeddingNetwork
    front_end: FrontEnd
    objective: Objective
    source: BatchSource
    rows: Rows
    targets: TrackTargets
    sampler: BatchSampler
    augmentation: Augmentation
    validate: Validate
    data_digest: str
    config_digest: str


class _Step(nn.Module):
    """Network and objective as one module, for all that Fabric does to a module."""

    def __init__(self, parts: LoopParts) -> None:
        super().__init__()
        self.network: nn.Module = parts.network
        self.objective = parts.objective
        self.normalisation = parts.front_end.normalisation

    def forward(
        self, levels: Tensor, targets: dict[str, Tensor], generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Any]]:
        """Fabric looks into dicts, not into frozen records."""
        embeddings = self.network(self.normalisation(levels)).float()
        with torch.autocast(embeddings.device.type, enabled=False):  # distances need their digits
            value = self.objective(embeddings, BatchTargets(**targets), generator=generator)
        return embeddings, _fields(value)


def _fields(record: Any) -> dict[str, Any]:
    pairs = ((item.name, getattr(record, item.name)) for item in dataclasses.fields(record))
    return {name: value for name, value in pairs if value is not None}


class TrainingLoop:
    """A run in progress."""

    def __init__(
        self, config: TrainingConfig, parts: LoopParts, folder: Path, *, fabric: Fabric
    ) -> None:
        self.config = config
        self.parts = parts
        self.folder = folder
        self.fabric = fabric
        self.state = RunState(parts.config_digest, parts.data_digest)
        step = _Step(parts)
        parts.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the stub lacks it
        self._optimiser = build_optimiser(config.optimiser, parts.network, parts.objective)
        self._base_rates = [group["lr"] for group in self._optimiser.param_groups]
        self._average = WeightAverage(config.loop, parts.network)
        self._step, self._wrapped_optimiser = fabric.setup(step, self._optimiser)
        if config.loop.compile:
            step.network = torch.compile(parts.network)  # type: ignore[assignment]  # called like the module
        self.steps_per_epoch = max(len(parts.sampler) // fabric.world_size, 1)
        self.n_steps = self.steps_per_epoch * config.loop.epochs

    def resume(self) -> None:
        """Go on where the folder's state stands."""
        self.state, tensors = load_state(self.folder)
        load_module(self.parts.network, tensors, "network")
        load_module(self.parts.objective, tensors, "objective")
        load_module(self.parts.front_end, tensors, "front_end")
        load_module(self._average.network, tensors, "average")
        load_optimiser(self._optimiser, tensors)
        self._average.n_updates = self.state.n_average_updates

    def save(self) -> None:
        """Put down where the run stands."""
        self.state.n_average_updates = self._average.n_updates
        if self.fabric.is_global_zero:
            tensors = {
                **module_tensors(self.parts.network, "network"),
                **module_tensors(self.parts.objective, "objective"),
                **module_tensors(self.parts.front_end, "front_end"),
                **module_tensors(self._average.network, "average"),
                **optimiser_tensors(self._optimiser),
            }
            save_state(self.folder, self.state, tensors)
        self.fabric.barrier()

    @property
    def best_network(self) -> nn.Module:
        """The weights to measure and to keep: the average where there is one."""
        return self._average.model(self.parts.network)

    def run(self, observers: list[Observer], *, keep_best: Callable[[nn.Module], None]) -> str:
        """Train to the end, and why it ended: finished, stopped early, out of time, interrupted."""
        started = time.monotonic() - self.state.seconds
        with Interruption() as interruption:
            while self.state.epoch < self.config.loop.epochs:
                reason = self._run_epoch(observers, interruption, started)
                if reason:
                    self.save()
                    return reason
                self._finish_epoch(observers, keep_best)
                self.save()
                if self._has_stalled():
                    break
        self.state.is_finished = True
        self.save()
        return "finished" if self.state.epoch >= self.config.loop.epochs else "stopped early"

    def _run_epoch(
        self, observers: list[Observer], interruption: Interruption, started: float
    ) -> str:
        """The rest of the epoch under way; a reason where the run is to end before it does."""
        self._step.train()
        last_saved = time.monotonic()
        limit = self.config.loop.max_minutes * 60
        for rows, levels in self._batches():
            embeddings, value = self._take_step(rows, levels)
            self.state.next_batch += 1
            self.state.seconds = time.monotonic() - started
            for observer in observers:
                observer.after_step(self.state.step, value, embeddings)
            if interruption.is_wanted:
                return "interrupted"
            if limit and self.state.seconds >= limit:
                return "out of time"
            if time.monotonic() - last_saved >= SAVE_EVERY_SECONDS:
                self.save()
                last_saved = time.monotonic()
        return ""

    def _take_step(self, rows: Rows, levels: Tensor) -> tuple[Tensor, ObjectiveValue]:
        config, state = self.config, self.state
        factor = rate_factor(
            config.schedule,
            step=state.step,
            n_steps=self.n_steps,
            steps_per_epoch=self.steps_per_epoch,
        )
        set_rates(self._optimiser, self._base_rates, factor)
        targets = self.parts.targets.batch(rows).to(self.fabric.device)
        generator = step_generator(config.loop.seed, state.step, purpose=2)
        with torch.random.fork_rng(devices=self._random_devices()):  # dropout takes no generator
            torch.manual_seed(generator.initial_seed() + self.fabric.global_rank)
            embeddings, outcome = self._step(
                levels.to(self.fabric.device), _fields(targets), generator
            )
        value = ObjectiveValue(**outcome)
        loss = value.loss
        if config.optimiser.l1:
            loss = loss + config.optimiser.l1 * l1_norm(self.parts.network)
        if not torch.isfinite(loss):
            raise TrainingDiverged(
                f"step {state.step}: the loss is {float(loss)}. Lower optimiser.learning_rate "
                f"({config.optimiser.learning_rate:g}) or set loop.gradient_clip."
            )
        self._wrapped_optimiser.zero_grad()
        self.fabric.backward(loss)
        if config.loop.gradient_clip:
            self.fabric.clip_gradients(
                self._step, self._wrapped_optimiser, max_norm=config.loop.gradient_clip
            )
        self._wrapped_optimiser.step()
        self._average.after_step(self.parts.network)
        self._count(value)
        return embeddings.detach(), value

    def _count(self, value: ObjectiveValue) -> None:
        self.state.step += 1
        numbers = {
            "loss": value.loss,
            "active_share": value.active_share,
            "positive_distance": value.positive_distance,
            "negative_distance": value.negative_distance,
        }
        for name, number in numbers.items():
            known = float(number.detach())
            if np.isfinite(known):
                sums = self.state.epoch_sums
                sums[name] = sums.get(name, 0.0) + known
                sums[f"n_{name}"] = sums.get(f"n_{name}", 0.0) + 1

    def _finish_epoch(
        self, observers: list[Observer], keep_best: Callable[[nn.Module], None]
    ) -> None:
        state = self.state
        self._average.after_epoch(self.parts.network, state.epoch)
        sums = state.epoch_sums
        record: dict[str, Any] = {"epoch": state.epoch + 1, "step": state.step}
        record["learning_rate"] = self._optimiser.param_groups[0]["lr"]
        record |= {
            name: sums[name] / sums[f"n_{name}"] for name in sums if not name.startswith("n_")
        }
        state.epoch, state.next_batch, state.epoch_sums = state.epoch + 1, 0, {}
        is_last = state.epoch == self.config.loop.epochs
        if is_last or state.epoch % self.config.loop.validate_every_epochs == 0:
            record |= self.parts.validate(self.best_network, self.parts.front_end)
            if record["score"] > state.best_score:
                state.best_score, state.best_epoch = record["score"], state.epoch
                keep_best(self.best_network)
        record["seconds"] = round(state.seconds, 3)
        state.history.append(record)
        for observer in observers:
            observer.after_epoch(record)

    def _has_stalled(self) -> bool:
        patience = self.config.stopping.patience_epochs
        return bool(patience) and self.state.epoch - self.state.best_epoch >= patience

    def _batches(self) -> Iterator[tuple[Rows, Tensor]]:
        """The batches of the epoch that are left, prepared ahead in threads."""
        plan = self.parts.sampler.plan(self.state.epoch)
        mine = plan[self.fabric.global_rank :: self.fabric.world_size][: self.steps_per_epoch]
        first_step = self.state.step - self.state.next_batch

        def prepare(at: int) -> tuple[Rows, Tensor]:
            seed = self.config.loop.seed + self.fabric.global_rank * 1_000_003
            generator = step_generator(seed, first_step + at, purpose=1)
            rows = mine[at].rows
            levels = self.parts.source.crops(self.parts.rows[rows], generator=generator)
            return rows, self.parts.augmentation(levels, generator=generator)

        ahead = range(self.state.next_batch, len(mine))
        return map_in_threads(prepare, ahead, workers=max(self.config.loop.workers, 1))

    def _random_devices(self) -> list[torch.device]:
        return [self.fabric.device] if self.fabric.device.type == "cuda" else []


def step_generator(seed: int, step: int, *, purpose: int) -> torch.Generator:
    """The source of all that is random in one step of one run."""
    words = np.random.SeedSequence([seed, step, purpose]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) | (int(words[1]) & 0x7FFFFFFF) << 32)
