"""The doctor: it warns of a run that collapses, not of a healthy one, and acts if told to."""

import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest

from embedder.config.objectives import ObjectiveConfig
from embedder.config.training import (
    DoctorConfig,
    Fallback,
    OptimiserConfig,
    ScheduleConfig,
    TrainingConfig,
)
from embedder.training.folder.run_folder import TrainingResult
from embedder.training.objectives.triplets import TripletObjective
from embedder.training.run import TrainingRun
from embedder.training.train import open_run, train
from tests.embedder.rich_sets import write_rich_set
from tests.embedder.small_sets import small_config


def collapsing(*, fallback: Fallback = "none", epochs: int = 5) -> TrainingConfig:
    """The hardest triplets at a very high learning rate without warm-up, in Euclidean space."""
    config = small_config(epochs=epochs)
    return dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, geometry="euclidean"),
        objectives=(ObjectiveConfig(kind="triplet", mining="hard", margin=0.2),),
        optimiser=OptimiserConfig(kind="sgd", learning_rate=1.0, weight_decay=0.0),
        schedule=ScheduleConfig(kind="constant", warm_up_share=0.0),
        doctor=DoctorConfig(every_steps=1, stuck_steps=5, fallback=fallback),
    )


def test_a_collapse_is_reported_in_plain_words(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A run that gives all tracks one vector has one warning in log, result and report."""
    with caplog.at_level(logging.WARNING, logger="embedder"):
        result = train(data, collapsing(epochs=8), tmp_path / "run")
    # Rounding decides in which epoch the tracks meet. A healthy run keeps them 1 apart.
    assert min(epoch["negative_distance"] for epoch in result.history) < 1e-3
    assert result.history[-1]["accuracy"] <= 0.5 < 0.9 <= result.history[1]["accuracy"]
    warned = [record.getMessage() for record in caplog.records]
    assert len(warned) == len(set(warned)) == len(result.notes) <= 3
    assert "the network puts all tracks on nearly one point" in " ".join(result.notes)
    assert "lower optimiser.learning_rate" in " ".join(result.notes)
    assert "nearly one point" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize(
    "kind", ["triplet", "supervised-contrastive", "softmax", "contrastive", "proxy-anchor"]
)
def test_a_healthy_run_gets_no_warning(data: Path, tmp_path: Path, kind: str) -> None:
    """A run that learns has no warning, even if each step is observed."""
    config = dataclasses.replace(
        small_config(epochs=6),
        objectives=(ObjectiveConfig(kind=kind),),  # type: ignore[arg-type]  # kinds of objectives
        doctor=DoctorConfig(every_steps=1, stuck_steps=5),
    )
    result = train(data, config, tmp_path / "run")
    assert result.scores["accuracy"] >= 0.9
    assert result.notes == ()
    assert result.history[-1]["effective_rank"] > 1


def mining_of(run: TrainingRun) -> ObjectiveConfig:
    objective = run.loop.parts.objective
    assert isinstance(objective, TripletObjective)
    return objective.config


def watched(
    data: Path, config: TrainingConfig, folder: Path, *, resume: bool = False
) -> tuple[TrainingResult, ObjectiveConfig, ObjectiveConfig]:
    """The result, and how triplets were mined when the run began and when it ended."""
    runs: list[TrainingRun] = []
    before: list[ObjectiveConfig] = []

    def remember(run: TrainingRun) -> list[object]:
        runs.append(run)
        before.append(mining_of(run))
        return []

    result = train(data, config, folder, resume=resume, make_observers=remember)  # type: ignore[arg-type]  # no observers
    return result, before[0], mining_of(runs[0])


@pytest.mark.parametrize("fallback", ["semi-hard", "soft-margin"])
def test_the_doctor_acts_when_told_to(data: Path, tmp_path: Path, fallback: Fallback) -> None:
    """With a fallback, mining changes in the middle of the run, and --resume keeps the change."""
    config = collapsing(fallback=fallback)
    result, before, after = watched(data, config, tmp_path / "run")
    assert (before.mining, before.soft_margin) == ("hard", False)
    assert (after.mining == "semi-hard", after.soft_margin) == (
        fallback == "semi-hard",
        fallback == "soft-margin",
    )
    assert any("doctor.fallback is set" in note for note in result.notes)
    resumed, before, _ = watched(data, config, tmp_path / "run", resume=True)
    assert (before.mining == "semi-hard", before.soft_margin) == (
        fallback == "semi-hard",
        fallback == "soft-margin",
    )
    assert resumed.notes == result.notes


def test_without_leave_the_doctor_changes_nothing(data: Path, tmp_path: Path) -> None:
    """Without a fallback, a run with the doctor has the weights of a run without."""
    weights = []
    for enabled in (True, False):
        config = dataclasses.replace(collapsing(), doctor=DoctorConfig(enabled, 1, stuck_steps=5))
        folder = tmp_path / str(enabled)
        train(data, config, folder)
        weights.append((folder / "last" / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_an_objective_without_positive_pairs_is_reported(tmp_path: Path) -> None:
    """Batches of one track an artist leave artist pairs out, while label pairs are learnt."""
    data = write_rich_set(tmp_path / "set")
    config = dataclasses.replace(
        small_config(epochs=2),
        objectives=(
            ObjectiveConfig(kind="triplet"),
            ObjectiveConfig(kind="contrastive", relations=("artist",)),
        ),
    )
    run = open_run(data, config, tmp_path / "run")
    targets = run.loop.parts.targets
    assert targets.artists is not None
    targets.artists[:] = np.arange(len(targets))
    result = run.run()
    assert [note for note in result.notes if "no batch had a positive pair" in note] == [
        "epoch 1: no batch had a positive pair for 1-contrastive, so it learns nothing. Draw such "
        "pairs: sampler.relations names what a group of the batch has in common, "
        "sampler.crops_per_track makes pairs of one track."
    ]


def test_one_objective_without_positive_pairs_is_reported(tmp_path: Path) -> None:
    """A run of a single objective is watched like one of several."""
    data = write_rich_set(tmp_path / "set")
    config = dataclasses.replace(
        small_config(epochs=1),
        objectives=(ObjectiveConfig(kind="graded-contrastive", relations=("artist",)),),
    )
    run = open_run(data, config, tmp_path / "run")
    targets = run.loop.parts.targets
    assert targets.artists is not None
    targets.artists[:] = np.arange(len(targets))
    assert "positive pair for graded-contrastive" in " ".join(run.run().notes)
