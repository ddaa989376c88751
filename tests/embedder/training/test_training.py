"""A run: it learns, its models load, and settings that make no sense are refused."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import torch as safetensors

from embedder.config.dataset import DatasetConfig
from embedder.config.loading import configure, to_toml
from embedder.config.objectives import ObjectiveConfig
from embedder.config.training import OptimiserConfig, ScheduleConfig, TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.errors import (
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
from tests.embedder.small_sets import small_config


def test_a_run_learns_the_genres(data: Path, tmp_path: Path) -> None:
    """Neighbours of held-out tracks have the same genre after a few epochs."""
    result = train(data, small_config(epochs=6), tmp_path / "run")
    assert result.ended == "finished"
    assert result.scores["accuracy"] >= 0.9
    assert result.history[-1]["loss"] < result.history[0]["loss"]


def test_a_run_leaves_models_with_cards(data: Path, tmp_path: Path) -> None:
    """Best and last model load, and their cards have data, split, seed and protocol."""
    train(data, small_config(), tmp_path / "run")
    for name in ("best", "last"):
        card = load_model(tmp_path / "run" / name).card
        assert card.facts["seed"] == 0
        assert card.facts["data"]["labels"] == ["dance", "folk", "jazz", "rock"]
        assert "validation side" in card.scores["protocol"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["ended"] == "finished"


def test_time_runs_out(data: Path, tmp_path: Path) -> None:
    """A run with too little time ends after its current step, and can be resumed."""
    result = train(data, small_config(max_minutes=1e-6), tmp_path / "run")
    assert result.ended == "out of time"
    assert result.steps == 1
    assert load_model(tmp_path / "run" / "best").embedding_size == 8
    longer = training_config(
        TrainingRequest(assignments=("loop.max_minutes=9",)), resume_from=tmp_path / "run"
    )
    result = train(data, longer, tmp_path / "run", resume=True)
    assert (result.ended, result.epochs) == ("finished", 3)


@pytest.mark.parametrize(
    ("setting", "message"),
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
def test_numbers_out_of_range_are_refused(
    data: Path, tmp_path: Path, setting: str, message: str
) -> None:
    """The error has the range, before any file is read."""
    if "cuda" in setting and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    config = configure(small_config(), assignments=(setting,))
    with pytest.raises(SoundalikeError, match=f"(?i){message}"):
        train(data, config, tmp_path / "run")


def test_a_gradient_that_is_no_number_ends_the_run(data: Path, tmp_path: Path) -> None:
    """The error says what to lower, as for a loss."""
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
    """A new folder is removed, and an existing one stays."""
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


def test_a_loss_that_is_no_number_ends_the_run(data: Path, tmp_path: Path) -> None:
    """The error names the learning rate."""
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
    """The result of a run can be written as JSON."""
    result: TrainingResult = train(data, small_config(epochs=1), tmp_path / "run")
    assert json.loads(json.dumps(result.to_json()))["epochs"] == 1


def test_the_configuration_is_kept_whole(data: Path, tmp_path: Path) -> None:
    """config.toml in the run's folder has all settings, including defaults."""
    config: TrainingConfig = small_config(epochs=1)
    train(data, config, tmp_path / "run")
    assert (tmp_path / "run" / "config.toml").read_text() == to_toml(config)
