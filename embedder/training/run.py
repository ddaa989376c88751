"""One training run: data, network, objective, doctor and loop together, and its result."""

import dataclasses
import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from embedder.audio.digest import audio_digest
from embedder.config.loading import to_toml
from embedder.config.training import TrainingConfig
from embedder.datasets.dataset import Dataset
from embedder.errors import AudioError, DatasetError, printable_path
from embedder.geometry import Geometry
from embedder.models.card import read_card
from embedder.models.heads import read_heads
from embedder.models.learnt_recordings import Keys, keys_of, read_learnt, write_learnt
from embedder.models.loaded import LoadedModel
from embedder.training.augment.places import after_front_end
from embedder.training.doctor import Doctor
from embedder.training.feeding.known_tracks import fitting_sampler, known_tracks, needs
from embedder.training.feeding.sources import BatchSource
from embedder.training.feeding.streamed import StreamedTracks
from embedder.training.finishing import Finishing, copy_heads, have_same_weights
from embedder.training.folder.run_folder import TrainingResult, config_digest
from embedder.training.heads import tag_probabilities, tagging_in, trained_heads
from embedder.training.loop.fabric import build_fabric
from embedder.training.loop.loop import TrainingLoop
from embedder.training.loop.step import LoopParts, Observer, step_generator
from embedder.training.objectives.building import build_objectives
from embedder.training.objectives.objective import Objective
from embedder.training.objectives.relations import build_relation
from embedder.training.objectives.targets import TargetFacts
from embedder.training.report.tag_report import write_tag_report
from embedder.training.sampling.batches import BatchSampler
from embedder.training.sampling.groups import require_identity_pairs
from embedder.training.start.starting_point import CardParts, starting_point
from embedder.training.validation import HeldOut, Measured, some_references


class TrainingRun:
    """A run that is ready to start; `run` trains."""

    def __init__(
        self,
        config: TrainingConfig,
        dataset: Dataset,
        source: BatchSource,
        folder: Path,
        *,
        whole: Dataset | None = None,
        features: np.ndarray[Any, np.dtype[np.float32]] | None = None,
        base: LoadedModel | None = None,
        fabric: Fabric | None = None,
    ) -> None:
        """`source`: the tracks of `dataset.rows`. `whole`: the data set with unreadable tracks,
        whose digests the card names. `features`: float32 [tracks, d]. `base`: the model that the
        settings start from (`inheriting.base_model`).
        """
        self.config = config
        self.dataset = dataset
        self.base = base
        self.whole = whole or dataset
        self.folder = folder
        self.fabric = fabric or build_fabric(config.loop)
        self.known = known_tracks(dataset, config.dataset)
        rows = dataset.positions("train")
        if not len(rows):
            raise DatasetError(f"{dataset.root.name}: no track on the training side of the split")
        targets = self.known.targets(
            rows,
            sampler=config.sampler,
            features=features,
            needs_latent=needs("latent", config.objectives, config.sampler),
        )
        require_identity_pairs(config.objectives, config.sampler, targets)
        self.start = starting_point(
            config,
            source,
            base=base,
            rows=rows,
            labels=self.known.indicators(rows),
            device=self.fabric.device,
        )
        self.source = self.start.source
        generator = step_generator(config.loop.seed, 0, purpose=3)
        facts = targets.facts(seed=config.loop.seed)
        objective = build_objectives(
            config.objectives,
            facts,
            embedding_size=config.model.embedding_size,
            geometry=self.start.geometry,
            generator=generator,
        )
        self.objective = objective
        self.tagging = tagging_in(objective)
        self.held_out = self._held_out()
        self.measured: Measured | None = None
        """After `run`: the held-out results of the best model against all training tracks."""
        self.doctor = _doctor(config, objective, facts, self.start.geometry)
        parts = LoopParts(
            network=self.start.network,
            front_end=self.start.front_end,
            objective=objective,
            source=self.source,
            rows=rows,
            targets=targets,
            sampler=BatchSampler(
                fitting_sampler(config.sampler, targets, self.known.label_names), targets
            ),
            augmentation=after_front_end(
                config.augmentation,
                config.model.front_end,
                is_streamed=isinstance(source, StreamedTracks),
            ),
            validate=self.held_out,
            doctor=self.doctor,
            data_digest=f"{dataset.digest} {dataset.split_digest}",
            config_digest=config_digest(config),
        )
        self.loop = TrainingLoop(config, parts, folder, fabric=self.fabric)

    def run(self, observers: Sequence[Observer] = ()) -> TrainingResult:
        """Train, save the best and the last model, and measure the best one."""
        ended = self.loop.run(
            list(observers), keep_best=lambda network: self._save(network, "best")
        )
        state = self.loop.state
        self._save(self.loop.best_network, "last")
        if state.best_epoch < 0:  # interrupted before the first measurement
            self._save(self.loop.best_network, "best")
        self.measured = self._measure_best()
        if self.measured is not None and self.measured.tags is not None:
            write_tag_report(self.folder, self.known.tag_names, self.measured.tags)
        head_scores = self._finish_heads(ended=ended)
        return TrainingResult(
            folder=self.folder,
            ended=ended,
            epochs=state.epoch,
            steps=state.step,
            seconds=round(state.seconds, 3),
            best_epoch=state.best_epoch,
            scores={**self.measured.scores, **head_scores} if self.measured else {},
            before=self._measure_before(),
            notes=tuple(state.notes),
            left_out=tuple(
                {"path": printable_path(track.path), "reason": track.reason}
                for track in (*self.dataset.left_out, *self.source.failures)
            ),
            history=tuple(state.history),
        )

    def _save(self, network: nn.Module, name: str) -> None:
        if not self.fabric.is_global_zero:
            return
        history = self.loop.state.history
        parts = CardParts(
            name=f"{self.folder.name}-{name}",
            facts=self._facts(),
            scores=self._card_scores(history[-1] if history else {}),
            heads=trained_heads(self.objective, self.known, self.config.dataset),
        )
        self.start.save(self.folder / name, network, parts)
        write_learnt(self.folder / name, self._learnt)

    @cached_property
    def _learnt(self) -> Keys:
        """The recordings that this run learns from, and those that its start had learnt."""
        paths = (self.dataset.rows[row].path for row in self.dataset.positions("train"))
        own_keys = keys_of(_digests(path for path in paths if path is not None))
        return own_keys | (read_learnt(self.base.folder) if self.base else frozenset())

    def _measure_best(self) -> Measured | None:
        if not len(self.held_out.queries) or not self.fabric.is_global_zero:
            return None
        folder = self.folder / "best"
        best_head = read_heads(folder, read_card(folder)).tags if self.tagging else None
        self.held_out = dataclasses.replace(
            self.held_out,
            references=self.dataset.positions("train"),
            device=torch.device("cpu"),
            tag_probabilities=best_head.probabilities if best_head else None,
        )
        front_end = self.start.front_end.cpu()
        return self.held_out.measure(self.start.load(folder), front_end)

    def _measure_before(self) -> dict[str, float]:
        """As `_measure_best`, for the model that a fitted projection replaced."""
        if self.start.before is None or self.measured is None:
            return {}
        without_head = dataclasses.replace(self.held_out, tag_probabilities=None)
        return without_head.measure(self.start.before.cpu(), self.start.front_end).scores

    def _held_out(self) -> HeldOut:
        tracks, config = self.known, self.config
        training = self.dataset.positions("train")
        return HeldOut(
            source=self.source,
            references=some_references(training, seed=config.loop.seed),
            queries=self.dataset.positions("validation"),
            labels=tracks.labels,
            groups=tracks.artists,
            tags=tracks.tags,
            n_labels=len(tracks.label_names),
            geometry=self.start.geometry,
            n_neighbours=config.stopping.n_neighbours,
            device=self.fabric.device,
            tag_probabilities=tag_probabilities(self.objective, tracks, config.dataset),
            goes_by_tags=config.objectives[0].kind == "tagging",
            goes_by=config.stopping.measure,
        )

    def _finish_heads(self, *, ended: str) -> dict[str, float]:
        """Give the best and the last model their heads; the best one's scores on held-out tracks.

        An interrupted run must end at once: its last model gets them when it is resumed.
        """
        if not self.fabric.is_global_zero:
            return {}
        best, last = self.folder / "best", self.folder / "last"
        sides = (self.dataset.positions("train"), self.held_out.queries)
        finishing = Finishing(self.start, self.source, self.known, self.config.dataset, *sides)
        encoded = self.measured.encoded if self.measured is not None else None
        scores = finishing.finish(best, encoded)
        if self.measured is not None:
            self.measured = dataclasses.replace(self.measured, encoded=None)
        is_of_one_epoch = self.loop.state.best_epoch in (-1, self.loop.state.epoch)
        if is_of_one_epoch and have_same_weights(best, last):
            copy_heads(best, last)
        elif ended != "interrupted":
            finishing.finish(last)
        return scores

    def _card_scores(self, record: dict[str, Any]) -> dict[str, Any]:
        names = ("accuracy", "map", "tag_map", "roc_auc", "pr_auc")
        k = self.config.stopping.n_neighbours
        return {
            "protocol": f"validation side against training tracks, vote of the {k} nearest, "
            f"artists apart; {self.dataset.split_origin}",
            **{name: round(record[name], 4) for name in names if name in record},
        }

    def _facts(self) -> dict[str, Any]:
        state = self.loop.state
        return {
            "settings": to_toml(self.config),
            "data": {
                "name": self.dataset.root.name,
                "digest": self.whole.digest,
                "split": self.dataset.split_origin,
                "split_digest": self.whole.split_digest,
                "labels": list(self.known.label_names),
                "tags": list(self.known.tag_names),
            },
            "seed": self.config.loop.seed,
            "step": state.step,
            "epoch": state.epoch,
            "seconds": round(state.seconds, 1),
            "device": f"{self.fabric.device.type}, {platform.machine()}",
            "versions": {name: metadata.version(name) for name in ("torch", "torchaudio", "numpy")},
        }


def _digests(paths: Iterable[Path]) -> Iterator[bytes]:
    """The audio digests of files. A streamed file that vanished during the run has none."""
    for path in paths:
        with suppress(AudioError):
            yield audio_digest(path)


def _doctor(
    config: TrainingConfig, objective: Objective, facts: TargetFacts, geometry: Geometry
) -> Doctor | None:
    """The doctor, with the positives of the first objective that has pairs."""
    if not config.doctor.enabled:
        return None
    without_pairs = ("distillation", "tagging", "tag-similarity")
    with_pairs = (o for o in config.objectives if o.kind not in without_pairs)
    pairs = next(with_pairs, None)
    return Doctor(
        config.doctor,
        config.objectives,
        objective=objective,
        relation=build_relation(pairs, facts) if pairs else None,
        geometry=geometry,
    )
