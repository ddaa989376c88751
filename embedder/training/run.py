"""One training run from a data set to a model folder.

RUN/config.toml     every setting, defaults too
    log.csv         a line an epoch
    state.*         where the run stands (`--resume`)
    best/ last/     models, each with its card
    report.html     the page to look at
    run.json        written last: how it ended
"""

import dataclasses
import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from embedder.augment.building import build_augmentation
from embedder.backbones.network import EmbeddingNetwork, seeded_network
from embedder.checkpoint import save_model
from embedder.config.loading import from_dict, read_toml, to_toml
from embedder.config.training import LoopConfig, TrainingConfig
from embedder.datasets.dataset import Dataset
from embedder.errors import ConfigError, DatasetError, OutputExists, UnknownChoice
from embedder.features.front_end import FrontEnd, build_front_end
from embedder.model_registry import load_model
from embedder.objectives.building import build_objectives
from embedder.sampling.batches import BatchSampler
from embedder.training.inputs import known_tracks, needs
from embedder.training.loop import LoopParts, Observer, TrainingLoop, step_generator
from embedder.training.run_state import STATE_NAME
from embedder.training.sources import BatchSource
from embedder.training.validation import HeldOut, some_references
from embedder.writing import write_whole

CONFIG_NAME, RESULT_NAME = "config.toml", "run.json"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a run ended."""

    folder: Path
    ended: str
    """finished, stopped early, out of time or interrupted."""
    epochs: int
    steps: int
    seconds: float
    best_epoch: int
    scores: dict[str, float]
    """Held-out scores of the best model against all training tracks."""
    notes: tuple[str, ...] = ()
    left_out: tuple[dict[str, str], ...] = ()
    history: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {**asdict(self), "folder": str(self.folder)}


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
    ) -> None:
        """`source` gives the tracks of `dataset.rows`; `features`: float32 [tracks, d]."""
        self.config = config
        self.dataset = dataset
        self.folder = folder
        self.fabric = build_fabric(config.loop)
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
        objective = build_objectives(
            config.objectives,
            targets.facts(seed=config.loop.seed),
            embedding_size=config.model.embedding_size,
            geometry=network.geometry,
            generator=generator,
        )
        self.held_out = self._held_out(source, network)
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
        scores = self._final_scores()
        return TrainingResult(
            folder=self.folder,
            ended=ended,
            epochs=state.epoch,
            steps=state.step,
            seconds=round(state.seconds, 3),
            best_epoch=state.best_epoch,
            scores=scores,
            notes=tuple(state.notes),
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

    def _final_scores(self) -> dict[str, float]:
        if not len(self.held_out.queries):
            return {}
        model = load_model(self.folder / "best")
        assert isinstance(model.network, EmbeddingNetwork)  # noqa: S101  # saved a moment ago
        everything = dataclasses.replace(
            self.held_out, references=self.dataset.positions("train"), device=torch.device("cpu")
        )
        return everything(model.network, self.front_end)

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


def prepare_folder(folder: Path, config: TrainingConfig, *, resume: bool, force: bool) -> None:
    """Make the run's folder, or check that it can be gone on with."""
    has_run = (folder / CONFIG_NAME).exists()
    if resume:
        if not (folder / STATE_NAME).exists():
            raise ConfigError(f"{folder}: no run to go on with; leave out --resume to start one")
        before = from_dict(TrainingConfig, read_toml(folder / CONFIG_NAME), where=CONFIG_NAME)
        if config_digest(before) != config_digest(config):
            raise ConfigError(
                f"{folder / CONFIG_NAME} is not what was asked for now: go on with its own "
                "settings (leave yours out), or start anew with --force"
            )
        return
    if has_run and not force:
        raise OutputExists(folder)
    (folder / STATE_NAME).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / CONFIG_NAME, to_toml(config).encode())


def write_result(result: TrainingResult) -> None:
    """The run's last file: that it is there means done."""
    content = {**result.to_json(), "folder": ".", "history": list(result.history)}
    write_whole(result.folder / RESULT_NAME, json.dumps(content, indent=2).encode())


def starting_point(config: TrainingConfig) -> tuple[FrontEnd, EmbeddingNetwork]:
    """A fresh network, or another model's, its backbone frozen where that is asked for."""
    transfer = config.transfer
    if not transfer.checkpoint:
        if transfer.freeze:
            raise ConfigError("--freeze keeps a backbone that was trained: give --from CHECKPOINT")
        front_end = build_front_end(config.model.front_end)
        return front_end, seeded_network(config.model, seed=config.loop.seed)
    model = load_model(transfer.checkpoint)
    if not isinstance(model.network, EmbeddingNetwork) or not isinstance(model.front_end, FrontEnd):
        raise UnknownChoice("kind of checkpoint for --from", model.kind, ["network"])
    network = seeded_network(
        dataclasses.replace(
            model.config,
            embedding_size=config.model.embedding_size,
            geometry=config.model.geometry,
            curvature=config.model.curvature,
        ),
        seed=config.loop.seed,
    )
    theirs = model.network.state_dict()
    same_size = network.projection.weight.shape == theirs["projection.weight"].shape
    kept = {n: t for n, t in theirs.items() if same_size or not n.startswith("projection.")}
    network.load_state_dict(kept, strict=same_size)
    if transfer.freeze:
        network.requires_grad_(requires_grad=False)
        network.projection.requires_grad_(requires_grad=True)
    return model.front_end, network


def build_fabric(loop: LoopConfig) -> Fabric:
    """Lightning Fabric on the devices that the settings name."""
    fabric = Fabric(
        accelerator=loop.device,
        devices=loop.n_devices,
        num_nodes=loop.n_machines,
        strategy="ddp" if loop.n_devices * loop.n_machines > 1 else "auto",
        precision=_fabric_precision(loop),
    )
    fabric.launch()
    return fabric


def _fabric_precision(loop: LoopConfig) -> Any:
    names = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
    if loop.precision != "auto":
        return names[loop.precision]
    if torch.cuda.is_available() and loop.device != "cpu":
        return names["bf16"] if torch.cuda.is_bf16_supported() else names["16"]
    return names["bf16"] if torch.cpu.get_capabilities().get("avx512_bf16") else names["32"]


def config_digest(config: TrainingConfig) -> str:
    """Of all settings."""
    return hashlib.blake2b(to_toml(config).encode(), digest_size=16).hexdigest()
