"""The plateau schedule: the learning rate falls when the held-out score stops improving."""

import dataclasses
from pathlib import Path

import pytest

from embedder.config.training import ScheduleConfig
from embedder.training.folder.run_state import RunState
from embedder.training.loop.optimisers import rate_factor
from embedder.training.train import train
from tests.embedder.small_sets import small_config


def test_each_plateau_lowers_the_rate_once() -> None:
    """Two epochs without a better score lower it; the count then begins again."""
    state = RunState("", "")
    drops = []
    for epoch, score in enumerate([0.5, 0.6, 0.6, 0.6, 0.6, 0.7, 0.1], start=1):
        state.epoch = epoch
        state.accept_best({"score": score, "loss": float(epoch)})
        state.note_plateau(2)
        drops.append(state.n_rate_drops)
    assert drops == [0, 0, 0, 1, 1, 1, 1]


def test_the_rate_is_multiplied_for_each_drop() -> None:
    """After the warm-up, only drops change it."""
    config = ScheduleConfig(kind="plateau", step_factor=0.5)
    factors = [
        rate_factor(config, step=50, n_steps=100, steps_per_epoch=10, n_drops=n) for n in (0, 1, 2)
    ]
    assert factors == [1.0, 0.5, 0.25]


def test_a_run_lowers_its_rate_on_a_plateau(data: Path, tmp_path: Path) -> None:
    """On an easy set the accuracy is 1 from the first epoch on, so every later epoch lowers it."""
    schedule = ScheduleConfig(kind="plateau", plateau_epochs=1, step_factor=0.5)
    config = dataclasses.replace(small_config(epochs=4), schedule=schedule)
    stopping = dataclasses.replace(config.stopping, measure="accuracy")
    history = train(data, dataclasses.replace(config, stopping=stopping), tmp_path / "run").history
    assert [record["accuracy"] for record in history] == [1.0] * 4
    rates = [record["learning_rate"] for record in history]
    assert rates == pytest.approx([0.01, 0.01, 0.005, 0.0025])
