"""The head on a frozen backbone, trained again on other tracks of a run, as the run trained it."""

import dataclasses
import tempfile
from pathlib import Path

from torch import nn

from embedder.config.training import TrainingConfig
from embedder.models.heads import Head
from embedder.models.loaded import LoadedModel
from embedder.training.augment.places import after_front_end
from embedder.training.feeding.known_tracks import KnownTracks, fitting_sampler, needs
from embedder.training.feeding.sources import Rows
from embedder.training.heads import trained_heads
from embedder.training.loop.fabric import build_fabric
from embedder.training.loop.loop import TrainingLoop
from embedder.training.loop.step import LoopParts, step_generator
from embedder.training.objectives.building import build_objectives
from embedder.training.sampling.batches import BatchSampler
from embedder.training.start.refitting import untrained_network
from embedder.training.start.starting_point import StartingPoint
from embedder.training.validation import nothing_measured


def can_retrain(config: TrainingConfig) -> bool:
    """Whether the objectives need nothing but labels, tags and artists."""
    return not needs("handcrafted", config.objectives, config.sampler)


def retrained(
    start: StartingPoint,
    known: KnownTracks,
    config: TrainingConfig,
    *,
    rows: Rows,
    base: LoadedModel,
) -> tuple[nn.Module, Head | None] | None:
    """The network after all epochs on `rows`, and the head of its objective if that has one.

    None if Ctrl-C ended it.
    """
    targets = known.targets(
        rows,
        sampler=config.sampler,
        features=None,
        needs_latent=needs("latent", config.objectives, config.sampler),
    )
    objective = build_objectives(
        config.objectives,
        targets.facts(seed=config.loop.seed),
        embedding_size=config.model.embedding_size,
        geometry=start.geometry,
        generator=step_generator(config.loop.seed, 0, purpose=3),
    )
    parts = LoopParts(
        network=untrained_network(start, known, config, rows=rows, base=base),
        front_end=start.front_end,
        objective=objective,
        source=start.source,
        rows=rows,
        targets=targets,
        sampler=BatchSampler(fitting_sampler(config.sampler, targets, known.label_names), targets),
        augmentation=after_front_end(
            config.augmentation, config.model.front_end, is_streamed=False
        ),
        validate=nothing_measured,
        doctor=None,
        data_digest="",
        config_digest="",
    )
    whole_run = dataclasses.replace(config.loop, max_minutes=0.0)
    with tempfile.TemporaryDirectory() as folder:
        loop = TrainingLoop(
            dataclasses.replace(config, loop=whole_run),
            parts,
            Path(folder),
            fabric=build_fabric(whole_run),
        )
        ended = loop.run([], keep_best=_keep_none)
    if ended == "interrupted":
        return None
    return loop.best_network.cpu().eval(), trained_heads(objective, known, config.dataset).labels


def _keep_none(network: nn.Module) -> None:
    """The last network is used."""
    del network
