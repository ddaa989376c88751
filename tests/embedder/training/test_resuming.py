"""Runs repeat to the bit: with the same seed, and after a kill or Ctrl-C with `--resume`."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors import torch as safetensors

from embedder.config.batches import AugmentationConfig
from embedder.config.loading import to_toml
from embedder.config.training import OptimiserConfig
from embedder.errors import (
    ConfigError,
    CorruptArtefact,
)
from embedder.models.registry import load_model
from embedder.training.train import train
from tests.embedder.small_sets import small_config, write_array_set

PROGRAM = """
import sys, time
from pathlib import Path
from embedder.config.loading import from_dict, read_toml
from embedder.config.training import TrainingConfig
from embedder.training.train import train

config = from_dict(TrainingConfig, read_toml(Path(sys.argv[2])))

class Slow:
    def after_step(self, step, value, embeddings):
        print(step, flush=True)
        time.sleep(0.05)
    def after_epoch(self, record):
        pass

result = train(Path(sys.argv[1]), config, Path(sys.argv[3]), resume="--resume" in sys.argv,
               make_observers=lambda run: [Slow()])
print(result.ended, flush=True)
"""


class Steps:
    """Records the numbers of the steps."""

    def __init__(self, steps: list[int]) -> None:
        self.steps = steps

    def after_step(self, step: int, *_: object) -> None:
        self.steps.append(step)

    def after_epoch(self, record: dict[str, object]) -> None:
        """Nothing to do."""


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.load_file(folder / "last" / "weights.safetensors")


def test_the_same_seed_gives_the_same_weights(data: Path, tmp_path: Path) -> None:
    """Runs with one seed are equal to the bit; another seed gives other weights."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(data, small_config(seed=seed), tmp_path / name)
    a, b, c = (weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert any(not torch.equal(a[name], c[name]) for name in a)


@pytest.mark.parametrize(
    ("number", "ending"),
    [
        (signal.SIGKILL, None),
        pytest.param(signal.SIGINT, "interrupted", marks=pytest.mark.slow),
    ],
)
def test_a_resumed_run_ends_with_the_same_weights(
    data: Path, tmp_path: Path, number: signal.Signals, ending: str | None
) -> None:
    """After a kill or Ctrl-C, `--resume` gives the weights of an uninterrupted run."""
    config = dataclasses.replace(
        small_config(weight_averaging="moving", averaging_decay=0.9),
        augmentation=AugmentationConfig(noise=0.05, time_masks=1, crop_columns=20),
    )
    toml = tmp_path / "config.toml"
    toml.write_text(to_toml(config))
    train(data, config, tmp_path / "whole")
    command = [sys.executable, "-c", PROGRAM, str(data), str(toml), str(tmp_path / "stopped")]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 6:  # in the middle of the second epoch
                process.send_signal(number)
                break
        rest = process.stdout.read().split()
        process.wait(60)
    assert process.returncode == (0 if ending else -number)
    assert rest[-1:] == [ending] if ending else process.returncode < 0
    steps: list[int] = []
    train(data, config, tmp_path / "stopped", resume=True, make_observers=lambda _: [Steps(steps)])
    assert 4 < steps[0] <= 8  # it did go on, and not from the beginning
    uninterrupted, stopped = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert all(torch.equal(uninterrupted[name], stopped[name]) for name in uninterrupted)


def test_resuming_with_other_data_is_refused(data: Path, tmp_path: Path) -> None:
    """Held-out tracks could have been training tracks before."""
    short = small_config(max_minutes=1e-6)
    train(data, short, tmp_path / "run")
    other_data = write_array_set(tmp_path / "other", tracks_per_genre=20)
    with pytest.raises(ConfigError, match="not those that the run began with"):
        train(other_data, short, tmp_path / "run", resume=True)


def test_a_run_that_saved_nothing_yet_begins_again(data: Path, tmp_path: Path) -> None:
    """A run that was killed before its first step starts again, with or without --resume."""
    config = small_config(epochs=1)
    for name, resume in (("one", True), ("two", False)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.toml").write_text(to_toml(config))
        assert train(data, config, folder, resume=resume).ended == "finished"


def test_resuming_with_other_settings_is_refused(data: Path, tmp_path: Path) -> None:
    """A run is resumed with its own settings."""
    train(data, small_config(epochs=1), tmp_path / "run")
    with pytest.raises(ConfigError, match="other settings than this call"):
        train(data, small_config(epochs=2), tmp_path / "run", resume=True)


def test_a_folder_without_a_run_cannot_be_resumed(data: Path, tmp_path: Path) -> None:
    """--resume in an empty folder is an error with advice."""
    with pytest.raises(ConfigError, match="leave out --resume"):
        train(data, small_config(), tmp_path / "run", resume=True)


def test_an_altered_state_is_refused(data: Path, tmp_path: Path) -> None:
    """A flipped byte in the saved tensors is an error."""
    train(data, small_config(epochs=1), tmp_path / "run")
    path = next((tmp_path / "run").glob("*.state.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptArtefact, match="altered"):
        train(data, small_config(epochs=1), tmp_path / "run", resume=True)


def stop_in_the_second_epoch(_: object) -> list[object]:
    """An observer that sends Ctrl-C."""

    class Stop:
        def after_step(self, step: int, *_: object) -> None:
            if step == 7:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)

        def after_epoch(self, record: dict[str, object]) -> None:
            """Nothing to do."""

    return [Stop()]


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "rmsprop", "muon"])
def test_every_optimiser_is_resumed_to_the_bit(data: Path, tmp_path: Path, kind: str) -> None:
    """The state of each optimiser is saved and loaded."""
    config = dataclasses.replace(
        small_config(),
        optimiser=OptimiserConfig(kind=kind, learning_rate=0.003),  # type: ignore[arg-type]  # the five kinds
    )
    train(data, config, tmp_path / "whole")

    stopped = tmp_path / "stopped"
    first = train(data, config, stopped, make_observers=stop_in_the_second_epoch)  # type: ignore[arg-type]  # duck-typed
    assert first.ended == "interrupted"
    train(data, config, stopped, resume=True)
    uninterrupted, resumed = weights(tmp_path / "whole"), weights(stopped)
    assert all(torch.equal(uninterrupted[name], resumed[name]) for name in uninterrupted)


def test_an_interrupted_run_has_a_model_before_the_first_measurement(
    data: Path, tmp_path: Path
) -> None:
    """Without a measurement, the best model is the last one."""
    config = small_config()
    config = dataclasses.replace(
        config, loop=dataclasses.replace(config.loop, validate_every_epochs=3)
    )
    run = tmp_path / "run"
    result = train(data, config, run, make_observers=stop_in_the_second_epoch)  # type: ignore[arg-type]  # duck-typed
    assert result.ended == "interrupted"
    assert result.history
    fingerprints = {load_model(run / name).fingerprint for name in ("best", "last")}
    assert len(fingerprints) == 1
