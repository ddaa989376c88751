"""Which epoch of a run is its best, and what that goes by."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from embedder.config.training import OptimiserConfig, StoppingMeasure
from embedder.training.train import open_run, train
from tests.embedder.small_sets import small_config, write_array_set


@pytest.mark.parametrize("measure", ["map", "accuracy"])
def test_the_best_epoch_is_that_of_the_wished_measure(
    tmp_path: Path, measure: StoppingMeasure
) -> None:
    """Its score is that measure, and no epoch had more; the measures need not agree."""
    config = small_config(epochs=6)
    config = dataclasses.replace(
        config, stopping=dataclasses.replace(config.stopping, measure=measure)
    )
    result = train(write_array_set(tmp_path / "data"), config, tmp_path / "run")
    scores = [record["score"] for record in result.history]
    assert scores == [record[measure] for record in result.history]
    assert result.best_epoch == 1 + int(np.argmax(scores))


def test_a_set_without_a_findable_track_goes_by_the_vote(tmp_path: Path) -> None:
    """No training track has a label of the held-out ones: no precision is to be averaged."""
    data = write_array_set(tmp_path / "data")
    table = (data / "tracks.csv").read_text().splitlines()
    renamed = [
        line.replace(f",{genre},", f",{genre} held out,") if line.endswith("validation") else line
        for line in table
        for genre in [line.split(",")[1]]
    ]
    (data / "tracks.csv").write_text("\n".join(renamed) + "\n")
    run = open_run(data, small_config(epochs=1), tmp_path / "run")
    run.run()
    assert run.loop.state.best_epoch == 1
    assert run.loop.state.history[0]["score"] == 0.0


def test_early_stopping_waits_for_its_patience(tmp_path: Path) -> None:
    """A run whose weights cannot move stops after `patience_epochs` without a gain."""
    config = small_config(epochs=20)
    config = dataclasses.replace(
        config,
        optimiser=OptimiserConfig(learning_rate=1e-12),
        stopping=dataclasses.replace(config.stopping, patience_epochs=2),
    )
    result = train(write_array_set(tmp_path / "data"), config, tmp_path / "run")
    assert result.ended == "stopped early"
    assert result.epochs == result.best_epoch + 2
