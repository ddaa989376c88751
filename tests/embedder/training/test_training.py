"""A run: it learns, it can be killed and gone on with to the bit, it says how it ended."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors import torch as safetensors

from embedder.config.loading import configure, to_toml
from embedder.config.training import (
    AugmentationConfig,
    DatasetConfig,
    ObjectiveConfig,
    OptimiserConfig,
    ScheduleConfig,
    TrainingConfig,
)
from embedder.config.transfer import TransferConfig
from embedder.errors import (
    ConfigError,
    CorruptArtefact,
    DatasetError,
    OutputExists,
    SoundalikeError,
    TrainingDiverged,
)
from embedder.models.registry import load_model
from embedder.training.folder.run_folder import TrainingResult
from embedder.training.loop.optimisers import rate_factor
from embedder.training.settings import TrainingRequest, training_config
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


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_array_set(tmp_path_factory.mktemp("set"))


class Steps:
    """Writes down which steps were taken."""

    def __init__(self, steps: list[int]) -> None:
        self.steps = steps

    def after_step(self, step: int, *_: object) -> None:
        self.steps.append(step)

    def after_epoch(self, record: dict[str, object]) -> None:
        """Nothing to do."""


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.load_file(folder / "last" / "weights.safetensors")


def test_a_run_learns_what_the_rows_tell(data: Path, tmp_path: Path) -> None:
    """Neighbours of held-out tracks agree on the genre after a few epochs."""
    result = train(data, small_config(epochs=6), tmp_path / "run")
    assert result.ended == "finished"
    assert result.scores["accuracy"] >= 0.9
    assert result.history[-1]["loss"] < result.history[0]["loss"]


def test_a_run_leaves_models_with_cards(data: Path, tmp_path: Path) -> None:
    """Best and last model load, and their cards tell data, split, seed and protocol."""
    train(data, small_config(), tmp_path / "run")
    for name in ("best", "last"):
        card = load_model(tmp_path / "run" / name).card
        assert card.facts["seed"] == 0
        assert card.facts["data"]["labels"] == ["dance", "folk", "jazz", "rock"]
        assert "validation side" in card.scores["protocol"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["ended"] == "finished"


def test_the_same_seed_gives_the_same_weights(data: Path, tmp_path: Path) -> None:
    """Two runs of one seed end equal to the bit; another seed ends elsewhere."""
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
def test_a_stopped_run_goes_on_to_the_same_weights(
    data: Path, tmp_path: Path, number: signal.Signals, ending: str | None
) -> None:
    """A run that was killed, or interrupted with Ctrl-C, and resumed ends like one that was not."""
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
    whole, stopped = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)


def test_time_runs_out(data: Path, tmp_path: Path) -> None:
    """A run with too little time ends after the step under way and can be gone on with."""
    result = train(data, small_config(max_minutes=1e-6), tmp_path / "run")
    assert result.ended == "out of time"
    assert result.steps == 1
    assert load_model(tmp_path / "run" / "best").embedding_size == 8
    longer = training_config(
        TrainingRequest(assignments=("loop.max_minutes=9",)), resume_from=tmp_path / "run"
    )
    result = train(data, longer, tmp_path / "run", resume=True)
    assert (result.ended, result.epochs) == ("finished", 3)


def test_going_on_with_other_data_is_refused(data: Path, tmp_path: Path) -> None:
    """Held-out tracks might have been learnt before, and scores would be of others."""
    short = small_config(max_minutes=1e-6)
    train(data, short, tmp_path / "run")
    other = write_array_set(tmp_path / "other", tracks_per_genre=20)
    with pytest.raises(ConfigError, match="not those that the run began with"):
        train(other, short, tmp_path / "run", resume=True)


def test_a_run_that_saved_nothing_yet_begins_again(data: Path, tmp_path: Path) -> None:
    """Killed while it listened, there are its settings alone: both ways of going on work."""
    config = small_config(epochs=1)
    for name, resume in (("one", True), ("two", False)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.toml").write_text(to_toml(config))
        assert train(data, config, folder, resume=resume).ended == "finished"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("loop.epochs=0", "nothing would be trained"),
        ("loop.device=cuda", "this machine has none"),
        ("loop.device=foo", "Unknown device"),
        ("loop.seed=-1", "give 0 or more"),
        ("stopping.n_neighbours=0", "give 1 or more"),
        ("doctor.every_steps=0", "give 1 or more"),
        ("optimiser.momentum=2", "give 0 up to 1"),
        ("objectives.0.label_smoothing=2", "below 1"),
        ("augmentation.crop_columns=-3", "give 0 or more"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(
    data: Path, tmp_path: Path, setting: str, told: str
) -> None:
    """Before anything is read, with the range."""
    if "cuda" in setting and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    config = configure(small_config(), assignments=(setting,))
    with pytest.raises(SoundalikeError, match=f"(?i){told}"):
        train(data, config, tmp_path / "run")


def test_a_gradient_that_is_no_number_ends_the_run(data: Path, tmp_path: Path) -> None:
    """As a loss does, with what to lower."""
    optimiser = OptimiserConfig(kind="sgd", learning_rate=1e30)
    config = dataclasses.replace(small_config(), optimiser=optimiser)
    with pytest.raises(TrainingDiverged, match=r"no longer a number\. Lower optimiser"):
        train(data, config, tmp_path / "run")


def test_a_finished_run_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    """Another run into the same folder needs --force."""
    train(data, small_config(epochs=1), tmp_path / "run")
    with pytest.raises(OutputExists, match="--force"):
        train(data, small_config(epochs=1), tmp_path / "run")
    train(data, small_config(epochs=1), tmp_path / "run", force=True)


def test_a_failed_start_leaves_no_folder(data: Path, tmp_path: Path) -> None:
    """Without a usable data set nothing is left behind; a folder that was there stays."""
    config = dataclasses.replace(small_config(), dataset=DatasetConfig(label_field="mood"))
    (tmp_path / "mine").mkdir()
    for name in ("run", "mine"):
        with pytest.raises(DatasetError, match="mood"):
            train(data, config, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_is_checked_without_torch(tmp_path: Path) -> None:
    """A command can refuse a finished run's folder before anything slow is imported."""
    (tmp_path / "run.json").write_text("{}")
    code = (
        "import sys; from pathlib import Path\n"
        "from embedder.training.folder.run_folder import check_no_run\n"
        "try: check_no_run(Path(sys.argv[1]))\n"
        "except Exception as error: print(error, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.strip().endswith("exists already. Give --force to replace it. False")


def test_going_on_with_other_settings_is_refused(data: Path, tmp_path: Path) -> None:
    """A run is gone on with as it was begun."""
    train(data, small_config(epochs=1), tmp_path / "run")
    with pytest.raises(ConfigError, match="other settings than this call"):
        train(data, small_config(epochs=2), tmp_path / "run", resume=True)


def test_there_must_be_something_to_go_on_with(data: Path, tmp_path: Path) -> None:
    """--resume in an empty folder says so."""
    with pytest.raises(ConfigError, match="leave out --resume"):
        train(data, small_config(), tmp_path / "run", resume=True)


def test_an_altered_state_is_refused(data: Path, tmp_path: Path) -> None:
    """A flipped byte in the saved tensors is noticed."""
    train(data, small_config(epochs=1), tmp_path / "run")
    path = next((tmp_path / "run").glob("*.state.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptArtefact, match="altered"):
        train(data, small_config(epochs=1), tmp_path / "run", resume=True)


def test_a_loss_that_is_no_number_ends_the_run(data: Path, tmp_path: Path) -> None:
    """An absurd learning rate is named as the cause."""
    config = dataclasses.replace(
        small_config(epochs=20, gradient_clip=0.0),
        optimiser=OptimiserConfig(kind="sgd", learning_rate=1e30),
        objectives=(ObjectiveConfig(kind="softmax"),),
    )
    with pytest.raises(TrainingDiverged, match=r"Lower optimiser\.learning_rate"):
        train(data, config, tmp_path / "run")


def frozen_and_free(before: Path, after: Path) -> tuple[bool, bool]:
    old, new = (safetensors.load_file(f / "weights.safetensors") for f in (before, after))
    backbone = [n for n in old if n.startswith("network.backbone") and n.endswith("weight")]
    is_kept = all(torch.equal(old[name], new[name]) for name in backbone)
    changed = not torch.equal(old["network.projection.weight"], new["network.projection.weight"])
    return is_kept, changed


def test_freezing_keeps_the_backbone(data: Path, tmp_path: Path) -> None:
    """`--from CHECKPOINT --freeze` trains the projection and leaves the rest as it was."""
    train(data, small_config(epochs=1), tmp_path / "first")
    start = tmp_path / "first" / "best"
    config = dataclasses.replace(small_config(), transfer=TransferConfig(str(start), freeze=True))
    train(data, config, tmp_path / "second")
    assert frozen_and_free(start, tmp_path / "second" / "last") == (True, True)


def test_a_model_can_get_a_head_of_another_size(data: Path, tmp_path: Path) -> None:
    """Transfer to another embedding size keeps the backbone and makes a new projection."""
    train(data, small_config(epochs=1), tmp_path / "first")
    config = small_config(epochs=1)
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, embedding_size=5),
        transfer=TransferConfig(str(tmp_path / "first" / "best"), freeze=True),
    )
    train(data, config, tmp_path / "second")
    assert load_model(tmp_path / "second" / "best").embedding_size == 5


def stop_in_the_second_epoch(_: object) -> list[object]:
    """An observer that presses Ctrl-C."""

    class Stop:
        def after_step(self, step: int, *_: object) -> None:
            if step == 7:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)

        def after_epoch(self, record: dict[str, object]) -> None:
            """Nothing to do."""

    return [Stop()]


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "rmsprop", "muon"])
def test_every_optimiser_goes_on_to_the_bit(data: Path, tmp_path: Path, kind: str) -> None:
    """The memory of each optimiser survives the way to disk and back."""
    config = dataclasses.replace(
        small_config(),
        optimiser=OptimiserConfig(kind=kind, learning_rate=0.003),  # type: ignore[arg-type]  # the five kinds
    )
    train(data, config, tmp_path / "whole")

    stopped = tmp_path / "stopped"
    first = train(data, config, stopped, make_observers=stop_in_the_second_epoch)  # type: ignore[arg-type]  # duck-typed
    assert first.ended == "interrupted"
    train(data, config, stopped, resume=True)
    whole, resumed = weights(tmp_path / "whole"), weights(stopped)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_an_interrupted_run_has_a_model_before_the_first_measurement(
    data: Path, tmp_path: Path
) -> None:
    """Where nothing was measured yet, the best model is the one that there is."""
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


@pytest.mark.parametrize("kind", ["constant", "cosine", "step", "one-cycle"])
def test_every_schedule_rises_and_stays_within_bounds(kind: str) -> None:
    """Rates are between 0 and 1 of the setting, and reach it."""
    config = ScheduleConfig(kind=kind, warm_up_share=0.1, step_epochs=4)  # type: ignore[arg-type]  # the five kinds
    rates = [rate_factor(config, step=s, n_steps=100, steps_per_epoch=10) for s in range(100)]
    assert min(rates) > 0
    assert max(rates) == pytest.approx(1.0, abs=1e-3)
    assert rates[0] < rates[9]
    if kind != "constant":
        assert rates[-1] < 0.2


def test_a_result_says_it_in_json(data: Path, tmp_path: Path) -> None:
    """What a run returns can be printed as JSON."""
    result: TrainingResult = train(data, small_config(epochs=1), tmp_path / "run")
    assert json.loads(json.dumps(result.to_json()))["epochs"] == 1


def test_the_configuration_is_kept_whole(data: Path, tmp_path: Path) -> None:
    """config.toml in the run's folder is the configuration, defaults too."""
    config: TrainingConfig = small_config(epochs=1)
    train(data, config, tmp_path / "run")
    assert (tmp_path / "run" / "config.toml").read_text() == to_toml(config)
