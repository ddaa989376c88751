"""Short runs on a small set with labels, artists, albums and tags."""

import dataclasses
from pathlib import Path

from embedder.config.batches import SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.objectives import ObjectiveConfig, RelationKind
from embedder.config.training import TrainingConfig
from embedder.training.folder.run_folder import TrainingResult
from embedder.training.train import open_run
from tests.embedder.small_sets import small_config

DATASET = DatasetConfig(tag_field="tag")


def config_for(*relations: RelationKind, epochs: int = 5, **sampler: object) -> TrainingConfig:
    """Multi-similarity, which uses every pair, on batches of such groups."""
    settings = {"groups_per_batch": 4, "tracks_per_group": 2, **sampler}
    return dataclasses.replace(
        small_config(epochs=epochs, validate_every_epochs=epochs),
        dataset=DATASET,
        objectives=(ObjectiveConfig(kind="multi-similarity", relations=relations),),
        sampler=SamplerConfig(relations=relations, **settings),  # type: ignore[arg-type]  # plain words
    )


def run(data: Path, config: TrainingConfig, folder: Path) -> TrainingResult:
    """Train on a data set in a new folder."""
    folder.mkdir()
    return open_run(data, config, folder).run()


def contrast(record: dict[str, float]) -> float:
    """The mean distance of positives, relative to that of negatives."""
    return record["positive_distance"] / record["negative_distance"]


def brings_together(result: TrainingResult) -> bool:
    """Whether the mean contrast of the last epoch is clearly below that of the first."""
    return contrast(result.history[-1]) < 0.85 * contrast(result.history[0])
