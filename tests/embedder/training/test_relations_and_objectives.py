"""Several relations and objectives in one run, and graded labels."""

import dataclasses
import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from embedder.config.dataset import DatasetConfig
from embedder.config.model import GeometryKind
from embedder.config.objectives import ObjectiveConfig, ObjectiveKind
from embedder.errors import ConfigError, DatasetError
from embedder.training.train import open_run, train
from tests.embedder.rich_sets import write_rich_set
from tests.embedder.small_sets import small_config
from tests.embedder.training.relation_runs import brings_together, config_for, run

KINDS: tuple[ObjectiveKind, ...] = get_args(ObjectiveKind)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rich_set(tmp_path_factory.mktemp("set"))


def test_several_positives_are_mixed_by_weight(data: Path, tmp_path: Path) -> None:
    """Three of four batches are by artist, and pairs of either relation are positive."""
    config = config_for("artist", "label", relation_weights=(3.0, 1.0))
    folder = tmp_path / "run"
    folder.mkdir()
    opened = open_run(data, config, folder)
    planned = [batch.relation for batch in opened.loop.parts.sampler.plan(0)]
    assert planned.count("artist") == 3 * planned.count("label")
    assert brings_together(opened.run())


def test_several_objectives_share_one_backbone(data: Path, tmp_path: Path) -> None:
    """With genre proxies and artist triplets, both genres and artists are learnt."""
    config = dataclasses.replace(
        config_for("artist", epochs=8, groups_per_batch=8),
        objectives=(
            ObjectiveConfig(kind="proxy-anchor", margin=0.1),
            ObjectiveConfig(kind="triplet", relations=("artist",), mining="all", weight=0.5),
        ),
    )
    result = run(data, config, tmp_path / "run")
    assert brings_together(result)
    assert result.scores["accuracy"] >= 0.5  # a quarter by chance
    assert result.history[-1]["loss"] < result.history[0]["loss"]


@pytest.mark.parametrize(
    "geometry",
    [
        "cosine",
        pytest.param("euclidean", marks=pytest.mark.slow),
        pytest.param("poincare", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_can_take_a_step_with_every_objective(
    data: Path, tmp_path: Path, kind: ObjectiveKind, geometry: GeometryKind
) -> None:
    """In each geometry it ends with a model on disk and a finite loss."""
    config = config_for("label", epochs=1)
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, geometry=geometry),
        objectives=(ObjectiveConfig(kind=kind),),
    )
    result = run(data, config, tmp_path / "run")
    assert math.isfinite(result.history[0]["loss"])
    assert (tmp_path / "run" / "best" / "card.json").exists()


@pytest.mark.slow
def test_the_whole_way_with_several_objectives(data: Path, tmp_path: Path) -> None:
    """`train` writes report, log and models for a multi-task run with tags."""
    config = dataclasses.replace(
        config_for("label", epochs=2),
        objectives=(ObjectiveConfig(kind="softmax"), ObjectiveConfig(kind="tagging", weight=0.5)),
    )
    result = train(data, config, tmp_path / "run")
    assert {"accuracy", "pr_auc", "tag_map"} <= set(result.scores)
    assert "tags, PR-AUC" in (tmp_path / "run" / "report.html").read_text()
    train(data, small_config(epochs=1), tmp_path / "run", force=True)
    assert not (tmp_path / "run" / "tags.csv").exists()


def test_labels_that_are_alike_are_not_pushed_as_far(data: Path, tmp_path: Path) -> None:
    """`dataset.label_similarity` grades pairs of labels; a wrong name or grade is an error."""

    def distance_of(alike: tuple[tuple[str, str, float], ...], name: str) -> float:
        config = dataclasses.replace(
            config_for("label", epochs=8),
            objectives=(ObjectiveConfig(kind="graded-contrastive", margin=1.0),),
            dataset=DatasetConfig(label_similarity=alike),
        )
        (tmp_path / name).mkdir()
        opened = open_run(data, config, tmp_path / name)
        opened.run()
        source, rows = opened.source, opened.loop.parts.rows
        network = opened.loop.best_network.eval()
        with torch.no_grad():
            vectors = network(torch.cat([source.excerpts(int(row)) for row in rows])).numpy()
        labels = opened.known.labels[rows]
        jazz, rock = (opened.known.label_names.index(label) for label in ("jazz", "rock"))
        means = [vectors[labels == label].mean(axis=0) for label in (jazz, rock)]
        return float(np.linalg.norm(means[0] - means[1]))

    assert distance_of((("jazz", "rock", 0.9),), "alike") < 0.7 * distance_of((), "unlike")
    with pytest.raises(DatasetError, match="Did you mean 'jazz'"):
        distance_of((("jaz", "rock", 0.9),), "wrong")
    with pytest.raises(DatasetError, match="give 0 to 1"):
        distance_of((("jazz", "rock", 9.0),), "far")


def test_one_crop_of_each_track_makes_no_identity_pairs(data: Path, tmp_path: Path) -> None:
    """Such a run is refused, and the error names the setting."""
    config = config_for("label")
    config = dataclasses.replace(
        config, objectives=(ObjectiveConfig(kind="contrastive", relations=("track",)),)
    )
    with pytest.raises(ConfigError, match=r"set sampler\.crops_per_track = 2"):
        run(data, config, tmp_path / "run")
