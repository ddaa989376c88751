"""One training run: data, network, objective, doctor and loop put together, and what comes out."""

import dataclasses
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from embedder.augment.building import build_augmentation
from embedder.backbones.network import EmbeddingNetwork
from embedder.checkpoint import save_model
from embedder.config.loading import to_toml
from embedder.config.training import TrainingConfig
from embedder.datasets.dataset import Dataset
from embedder.errors import DatasetError, printable_path
from embedder.features.front_end import FrontEnd
from embedder.geometry import Geometry
from embedder.model_registry import load_model
from embedder.objectives.building import build_objectives
from embedder.objectives.objective import Objective
from embedder.objectives.relations import build_relation
from embedder.objectives.targets import TargetFacts
from embedder.sampling.batches import BatchSampler
from embedder.training.devices import build_fabric
from embedder.training.doctor import Doctor
from embedder.training.inputs import known_tracks, needs
from embedder.training.loop import TrainingLoop
from embedder.training.run_folder import TrainingResult, config_digest
from embedder.training.sources import BatchSource
from embedder.training.starting import starting_point
from embedder.training.step import LoopParts, Observer, step_generator
from embedder.training.validation import HeldOut, Measured, some_references


class TrainingRun:
    """A data set, settings and a folder, put together; `run` trains."""

    def __init__(
        self,
        config: TrainingConfig,
        dataset: Dataset,
        source: BatchSource,
        folder: Path,
        *,
        features: np.ndarray[Any, np.dtype[np.float32]] | None = None,
        fabric: Fabric | None = None,
    ) -> None:
        """`source` gives the tracks of `dataset.rows`; `features`: float32 [tracks, d]."""
        self.config = config
        self.dataset = dataset
        self.source = source
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
        self.front_end, network = starting_point(config)
        generator = step_generator(config.loop.seed, 0, purpose=3)
        facts = targets.facts(seed=config.loop.seed)
        objective = build_objectives(
            config.objectives,
            facts,
            embedding_size=config.model.embedding_size,
            geometry=network.geometry,
            generator=generator,
        )
        self.held_out = self._held_out(source, network)
        self.measured: Measured | None = None
        """The best model's held-out results against all training tracks, after `run`."""
        self.doctor = _doctor(config, objective, facts, network.geometry)
        without_crop = dataclasses.replace(config.augmentation, crop_columns=0)  # the source crops
        parts = LoopParts(
            network=network,
            front_end=self.front_end,
            objective=objective,
            source=source,
            rows=rows,
            targets=targets,
            sampler=BatchSampler(config.sampler, targets),
            augmentation=build_augmentation(without_crop, config.model.front_end),
            validate=self.held_out,
            doctor=self.doctor,
            data_digest=f"{dataset.digest} {dataset.split_digest}",
            config_digest=config_digest(config),
        )
        self.loop = TrainingLoop(config, parts, folder, fabric=self.fabric)

    def run(self, observers: Sequence[Observer] = ()) -> TrainingResult:
        """Train, keep the best and the last model, and measure the best against all references."""
        ended = self.loop.run(
            list(observers), keep_best=lambda network: self._keep(network, "best")
        )
        state = self.loop.state
        self._keep(self.loop.best_network, "last")
        if not state.history:  # interrupted in the first epoch: the best is what there is
            self._keep(self.loop.best_network, "best")
        self.measured = self._measure_best()
        return TrainingResult(
            folder=self.folder,
            ended=ended,
            epochs=state.epoch,
            steps=state.step,
            seconds=round(state.seconds, 3),
            best_epoch=state.best_epoch,
            scores=self.measured.scores if self.measured else {},
            notes=tuple(state.notes),
            left_out=tuple(
                {"path": printable_path(track.path), "reason": track.reason}
                for track in (*self.dataset.left_out, *self.source.failures)
            ),
            history=tuple(state.history),
        )

    def _keep(self, network: nn.Module, name: str) -> None:
        if not self.fabric.is_global_zero or not isinstance(network, EmbeddingNetwork):
            return
        save_model(
            self.folder / name,
            network,
            front_end=self.front_end,
            name=f"{self.folder.name}-{name}",
            facts=self._facts(),
            scores=self._card_scores(
                self.loop.state.history[-1] if self.loop.state.history else {}
            ),
            replace=True,
        )

    def _measure_best(self) -> Measured | None:
        if not len(self.held_out.queries) or not self.fabric.is_global_zero:
            return None
        model = load_model(self.folder / "best")
        assert isinstance(model.network, EmbeddingNetwork)  # noqa: S101  # saved a moment ago
        assert isinstance(model.front_end, FrontEnd)  # noqa: S101
        self.held_out = dataclasses.replace(
            self.held_out, references=self.dataset.positions("train"), device=torch.device("cpu")
        )
        return self.held_out.measure(model.network, model.front_end)

    def _held_out(self, source: BatchSource, network: EmbeddingNetwork) -> HeldOut:
        known, config = self.known, self.config
        queries = self.dataset.positions("validation")
        training = self.dataset.positions("train")
        return HeldOut(
            source=source,
            references=some_references(training, seed=config.loop.seed),
            queries=queries,
            labels=known.labels,
            groups=known.artists,
            tags=known.tags,
            n_labels=len(known.label_names),
            geometry=network.geometry,
            n_neighbours=config.stopping.n_neighbours,
            device=self.fabric.device,
        )

    def _card_scores(self, record: dict[str, Any]) -> dict[str, Any]:
        names = ("accuracy", "map", "tag_map")
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
                "digest": self.dataset.digest,
                "split": self.dataset.split_origin,
                "split_digest": self.dataset.split_digest,
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


def _doctor(
    config: TrainingConfig, objective: Objective, facts: TargetFacts, geometry: Geometry
) -> Doctor | None:
    """Its positives are those of the first objective that has any."""
    if not config.doctor.enabled:
        return None
    without = ("distillation", "tagging", "tag-similarity")
    pairs = next((one for one in config.objectives if one.kind not in without), None)
    return Doctor(
        config.doctor,
        config.objectives,
        objective=objective,
        relation=build_relation(pairs, facts) if pairs else None,
        geometry=geometry,
    )
