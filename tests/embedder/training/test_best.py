"""Which epoch of a run is the best, and by which score."""

import dataclasses
from pathlib import Path

import pytest

from embedder.config.training import OptimiserConfig, StoppingMeasure
from embedder.training.folder.run_state import RunState
from embedder.training.train import open_run, train
from tests.embedder.small_sets import small_config, write_array_set


@pytest.mark.parametrize("measure", ["map", "accuracy"])
def test_the_best_epoch_has_the_highest_chosen_score(
    tmp_path: Path, measure: StoppingMeasure
) -> None:
    """No epoch has a higher value of the score that the settings name."""
    config = small_config(epochs=6)
    config = dataclasses.replace(
        config, stopping=dataclasses.replace(config.stopping, measure=measure)
    )
    result = train(write_array_set(tmp_path / "data"), config, tmp_path / "run")
    scores = [record["score"] for record in result.history]
    assert scores == [record[measure] for record in result.history]
    assert scores[result.best_epoch - 1] == max(scores)


def test_a_set_without_relevant_references_uses_the_vote(tmp_path: Path) -> None:
    """If no training track has a label of the held-out ones, there is no average precision."""
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
    """A run whose weights do not change stops after `patience_epochs`."""
    config = small_config(epochs=20)
    config = dataclasses.replace(
        config,
        optimiser=OptimiserConfig(learning_rate=1e-12),
        stopping=dataclasses.replace(config.stopping, patience_epochs=2),
    )
    result = train(write_array_set(tmp_path / "data"), config, tmp_path / "run")
    assert result.ended == "stopped early"
    assert result.epochs == result.best_epoch + 2


def ended(state: RunState, epoch: int, **record: float) -> bool:
    """Whether the epoch with this record becomes the best one."""
    state.epoch = epoch
    return state.accept_best(record)


def test_of_equal_scores_the_lower_loss_wins() -> None:
    """If the score is at its best from the first epoch, later epochs still count."""
    state = RunState("", "")
    assert ended(state, 1, score=1.0, loss=0.9)
    assert ended(state, 2, score=1.0, loss=0.5)
    assert not ended(state, 3, score=1.0, loss=0.6)
    assert state.best_epoch == 2


def test_of_equal_scores_and_losses_the_later_epoch_wins() -> None:
    """With a loss of zero, the later epoch is better."""
    state = RunState("", "")
    assert ended(state, 1, score=1.0, loss=0.0)
    assert ended(state, 2, score=1.0, loss=0.0)


def test_a_lower_loss_is_no_better_score() -> None:
    """The held-out score counts first."""
    state = RunState("", "")
    assert ended(state, 1, score=0.8, loss=0.9)
    assert not ended(state, 2, score=0.7, loss=0.1)


def test_a_tie_does_not_put_off_early_stopping() -> None:
    """Patience counts from the last epoch with a higher score than all before."""
    state = RunState("", "")
    ended(state, 1, score=0.8, loss=0.9)
    ended(state, 2, score=0.8, loss=0.5)
    assert (state.best_epoch, state.improved_epoch) == (2, 1)


def test_an_easy_set_keeps_a_trained_model(tmp_path: Path) -> None:
    """If all epochs vote right, the best is the one with the lowest loss, not the first."""
    result = train(write_array_set(tmp_path / "data"), small_config(epochs=6), tmp_path / "run")
    top = [r for r in result.history if r["score"] == max(q["score"] for q in result.history)]
    assert len(top) > 1
    assert result.best_epoch == min(top, key=lambda r: (r["loss"], -r["epoch"]))["epoch"]
