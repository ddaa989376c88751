"""The loop: batches through the network, the objective's gradient into the weights.

    sampler ─▶ crops ─▶ augmentation ─▶ normalisation ─▶ network ─▶ objective ─▶ optimiser
       (prepared ahead in a thread)

Every random choice of a step is drawn from (seed, step), so a run that was killed and resumed
ends with the same weights as one that was not. Lightning Fabric takes care of devices, number
formats and several machines.
"""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from embedder.config.training import TrainingConfig
from embedder.encoding.threads import map_in_threads
from embedder.training.folder.run_state import (
    RunState,
    load_module,
    load_optimiser,
    load_state,
    module_tensors,
    optimiser_tensors,
    save_state,
)
from embedder.training.loop.compiling import compiled
from embedder.training.loop.interruption import Interruption
from embedder.training.loop.optimisers import (
    WeightAverage,
    build_optimiser,
    l1_norm,
    rate_factor,
    set_rates,
)
from embedder.training.loop.step import (
    AsTheyAre,
    EpochSums,
    LoopParts,
    Observer,
    PreparedBatch,
    StepModule,
    diverged,
    step_generator,
    step_seed,
)
from embedder.training.objectives.objective import ObjectiveValue
from embedder.training.objectives.targets import BatchTargets
from embedder.training.ranks.ranks import Ranks

SAVE_EVERY_SECONDS = 120.0
"""A killed run loses at most this much, and the rest of a step."""


class TrainingLoop:
    """A training run in progress."""

    def __init__(
        self, config: TrainingConfig, parts: LoopParts, folder: Path, *, fabric: Fabric
    ) -> None:
        self.config = config
        self.parts = parts
        self.folder = folder
        self.fabric = fabric
        self.state = RunState(parts.config_digest, parts.data_digest)
        self.ranks = Ranks(fabric)
        self.ranks.check(parts.sampler.examples_per_batch, is_compiled=config.loop.compile)
        step = StepModule(parts, self.ranks)
        parts.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the stub lacks it
        self._optimiser = build_optimiser(config.optimiser, parts.network, parts.objective)
        self._base_rates = [group["lr"] for group in self._optimiser.param_groups]
        self._step, self._wrapped_optimiser = fabric.setup(step, self._optimiser)
        self._average = WeightAverage(config.loop, parts.network)  # a copy, on its device by now
        step.network = compiled(parts.network) if config.loop.compile else parts.network
        self._sums = EpochSums(n_behind=0 if fabric.device.type == "cpu" else 1)
        self.steps_per_epoch = len(parts.sampler)
        self.n_steps = self.steps_per_epoch * config.loop.epochs

    def resume(self) -> None:
        """Continue from the state in the folder."""
        self.state, tensors = load_state(self.folder, data_digest=self.parts.data_digest)
        load_module(self.parts.network, tensors, "network")
        load_module(self.parts.objective, tensors, "objective")
        load_module(self.parts.front_end, tensors, "front_end")
        load_module(self._average.network, tensors, "average")
        load_optimiser(self._optimiser, tensors)
        self._average.n_updates = self.state.n_average_updates
        if self.parts.doctor is not None and self.state.doctor:
            self.parts.doctor.restore(self.state.doctor)

    def save(self) -> None:
        """Write the state of the run to its folder."""
        self._settle(n_behind=0)
        self.state.n_average_updates = self._average.n_updates
        if self.parts.doctor is not None:
            self.state.doctor = self.parts.doctor.save()
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
        """The weights to measure and to keep: the average, if there is one."""
        return self._average.model(self.parts.network)

    def run(self, observers: list[Observer], *, keep_best: Callable[[nn.Module], None]) -> str:
        """Train; return why it ended: finished, stopped early, out of time or interrupted."""
        started = time.monotonic() - self.state.seconds
        limit = time.monotonic() + (self.config.loop.max_minutes * 60 or math.inf)  # of this call
        with Interruption() as interruption:
            if self.config.transfer.fit and not self.state.history and not self.state.step:
                # A fitted start is a model already, and the best one so far.
                self._end_epoch({"epoch": 0, "step": 0}, observers, keep_best, is_due=True)
            while self.state.epoch < self.config.loop.epochs and not self._has_stalled():
                reason = self._run_epoch(observers, interruption, started, limit)
                if reason:
                    self.save()
                    return reason
                self._finish_epoch(observers, keep_best)
                self.save()
        self.state.is_finished = True
        self.save()
        return "finished" if self.state.epoch >= self.config.loop.epochs else "stopped early"

    def _run_epoch(
        self, observers: list[Observer], interruption: Interruption, started: float, limit: float
    ) -> str:
        """Train the rest of the current epoch; return a reason if the run must end within it."""
        self._step.train()
        last_saved = time.monotonic()
        for batch in self._batches():
            embeddings, value = self._take_step(batch)
            self.state.next_batch += 1
            self.state.seconds = time.monotonic() - started
            for observer in observers:
                observer.after_step(self.state.step, value, embeddings)
            now = time.monotonic()
            is_stopped, is_late, is_save_due = self.ranks.any_of(
                interruption.is_wanted, now >= limit, now - last_saved >= SAVE_EVERY_SECONDS
            )
            if is_stopped:
                return "interrupted"
            if is_late:
                return "out of time"
            if is_save_due:
                self.save()
                last_saved = time.monotonic()
        return ""

    def _take_step(self, batch: PreparedBatch) -> tuple[Tensor, ObjectiveValue]:
        config, state = self.config, self.state
        rows = self.ranks.rows_read(batch.rows, batch.read_places)
        factor = rate_factor(
            config.schedule,
            step=state.step,
            n_steps=self.n_steps,
            steps_per_epoch=self.steps_per_epoch,
            n_drops=state.n_rate_drops,
        )
        set_rates(self._optimiser, self._base_rates, factor)
        targets = self.parts.targets.batch(rows).to(self.fabric.device)
        generator = step_generator(config.loop.seed, state.step, purpose=2)
        with torch.random.fork_rng(devices=self._random_devices()):  # dropout takes no generator
            torch.manual_seed(generator.initial_seed())
            levels = batch.levels.to(self.fabric.device, non_blocking=True)
            embeddings, outcome = self._step(levels, AsTheyAre(targets), generator)
        value = ObjectiveValue(**outcome)
        loss = value.loss
        if config.optimiser.l1:
            loss = loss + config.optimiser.l1 * l1_norm(self.parts.network)
        self._sums.add(state.step, value)
        self._settle()
        self._wrapped_optimiser.zero_grad()
        self.fabric.backward(loss)
        if config.loop.gradient_clip:
            self._clip_gradients(config.loop.gradient_clip)
        self._wrapped_optimiser.step()
        self._average.after_step(self.parts.network)
        state.step += 1
        self._consult_doctor(value, embeddings.detach(), targets)
        return embeddings.detach(), value

    def _clip_gradients(self, max_norm: float) -> None:
        norm = self.fabric.clip_gradients(
            self._step, self._wrapped_optimiser, max_norm=max_norm, error_if_nonfinite=False
        )
        if norm is not None and norm.device.type == "cpu" and not norm.isfinite():
            raise diverged("the gradient", self.state.step, self.config.optimiser)

    def _settle(self, *, n_behind: int | None = None) -> None:
        """Add up the finished steps (on a GPU one step late); a loss not finite ends the run."""
        bad_step = self._sums.settle(self.state.epoch_sums, n_behind=n_behind)
        if bad_step is not None:
            raise diverged("the loss", bad_step, self.config.optimiser)

    def _consult_doctor(
        self, value: ObjectiveValue, embeddings: Tensor, targets: BatchTargets
    ) -> None:
        if (doctor := self.parts.doctor) is None:
            return
        doctor.note_pairs(value)
        if not doctor.is_due(self.state.step):
            return
        warning = doctor.observe(self.state.step, value, embeddings, targets)
        self.state.notes += [warning] if warning else []
        if self.fabric.world_size > 1:  # every rank mines like rank zero
            fallback = self.fabric.broadcast(doctor.findings.fallback)
            if fallback and fallback != doctor.findings.fallback:
                doctor.fall_back(fallback)

    def _finish_epoch(
        self, observers: list[Observer], keep_best: Callable[[nn.Module], None]
    ) -> None:
        state = self.state
        self._settle(n_behind=0)
        self._average.after_epoch(self.parts.network, state.epoch)
        record: dict[str, Any] = {"epoch": state.epoch + 1, "step": state.step}
        record["learning_rate"] = self._optimiser.param_groups[0]["lr"]
        record |= self._sums.means(state.epoch_sums)
        if self.parts.doctor is not None:
            state.notes += self.parts.doctor.find_lacking_pairs()
            record |= self.parts.doctor.end_epoch()
        state.epoch, state.next_batch, state.epoch_sums = state.epoch + 1, 0, {}
        is_last = state.epoch == self.config.loop.epochs
        is_due = is_last or state.epoch % self.config.loop.validate_every_epochs == 0
        self._end_epoch(record, observers, keep_best, is_due=is_due)

    def _end_epoch(
        self,
        record: dict[str, Any],
        observers: list[Observer],
        keep_best: Callable[[nn.Module], None],
        *,
        is_due: bool,
    ) -> None:
        """Record an epoch, and keep its model if it is the best so far."""
        state = self.state
        state.history.append(record)  # before `keep_best`: the card shows this epoch's scores
        if is_due:
            record |= self._validate()
            if state.accept_best(record):
                keep_best(self.best_network)
            state.note_plateau(self.config.schedule.plateau_epochs)
        record["seconds"] = round(state.seconds, 3)
        for observer in observers:
            observer.after_epoch(record)

    def _validate(self) -> dict[str, float]:
        """Rank zero measures for all, so that every rank stops at the same epoch."""
        is_zero = self.fabric.is_global_zero
        scores = self.parts.validate(self.best_network, self.parts.front_end) if is_zero else {}
        return self.ranks.same(scores)

    def _has_stalled(self) -> bool:
        return 0 < self.config.stopping.patience_epochs <= self.state.epochs_without_gain()

    def _batches(self) -> Iterator[PreparedBatch]:
        """The remaining batches of the epoch (own parts of them), prepared ahead in threads."""
        plan = self.parts.sampler.plan(self.state.epoch)
        first_step = self.state.step - self.state.next_batch
        n_threads = torch.get_num_threads()

        def prepare(at: int) -> PreparedBatch:
            torch.set_num_threads(1)  # in this thread: more would slow down the network
            rows = plan[at].rows
            seed = step_seed(self.config.loop.seed, first_step + at, purpose=1)
            generator = self.ranks.generator(seed, len(rows))
            own_rows = rows[self.ranks.part(len(rows))]
            read_places, levels = self.parts.source.readable_crops(
                self.parts.rows[own_rows], generator=generator
            )
            changed = self.parts.augmentation(levels, generator=generator)
            return PreparedBatch(rows, read_places, changed)

        numbers = range(self.state.next_batch, len(plan))
        workers = max(self.config.loop.workers, 1)
        try:
            for batch in map_in_threads(prepare, numbers, workers=workers):
                torch.set_num_threads(n_threads)  # `prepare` sets it for later threads too
                yield batch
        finally:
            torch.set_num_threads(n_threads)

    def _random_devices(self) -> list[torch.device]:
        return [self.fabric.device] if self.fabric.device.type == "cuda" else []
