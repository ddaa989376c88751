"""`soundalike train` killed, or with a full disk: --resume ends with exactly the same model."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from embedder.config.loading import to_toml
from embedder.models.card import CARD_NAME
from embedder.models.registry import load_model
from tests.embedder.small_sets import small_config, write_array_set
from tests.faults.processes import Ended, Workshop, small_disk

pytestmark = pytest.mark.slow  # importing torch takes longer than the runs


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_array_set(tmp_path_factory.mktemp("sets") / "four genres", tracks_per_genre=12)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "small.toml"
    path.write_text(to_toml(small_config(epochs=2)))
    return path


def model_in(run: Path) -> dict[str, object]:
    """Fingerprint and scores of a run's best model; its weights are read and checked."""
    card = load_model(run).card
    return {"fingerprint": card.fingerprint, "scores": card.scores}


def leftovers(run: Path) -> list[str]:
    """Hidden files and unused tensors in a run's folder."""
    names = [path.name for path in run.rglob("*")]
    tensors = [name for name in names if name.endswith(".state.safetensors")]
    return [name for name in names if name.startswith(".")] + tensors[1:]


def go_on(workshop: Workshop, line: tuple[object, ...], run: Path) -> Ended:
    """Resume a run, or start it if there is nothing to resume."""
    resumed = workshop.run("train", line[0], "-o", run, "--resume")
    if resumed.code == 2:
        assert "no run to resume" in resumed.err
        return workshop.run("train", *line, "-o", run)
    return resumed


def check_kills(
    workshop: Workshop, line: tuple[object, ...], folder: Path, *, n_kills: int, seed: int
) -> None:
    """Kill a run at random calls: no model is half written, and it ends as if uninterrupted."""
    uninterrupted = workshop.run("train", *line, "-o", folder / "whole", after="prepare_folder")
    assert uninterrupted.code == 0, uninterrupted.err
    expected = model_in(folder / "whole")
    generator = random.Random(seed)
    for number in range(n_kills):
        run = folder / f"run {number}"
        moment = generator.randrange(1, uninterrupted.n_calls)
        killed = workshop.run(*("train", *line, "-o", run), after="prepare_folder", die_at=moment)
        assert killed.code == -9
        for name in ("best", "last"):
            if (run / name / CARD_NAME).exists():
                load_model(run / name)
        ended = go_on(workshop, line, run)
        assert ended.code == 0, f"call {moment}: {ended.err}"
        assert model_in(run) == expected, f"call {moment}"
        assert json.loads((run / "run.json").read_text())["ended"] == "finished"
        assert leftovers(run) == [], f"call {moment}"


def test_killed_training_ends_with_the_same_model(
    training_workshop: Workshop, data: Path, config: Path, tmp_path: Path
) -> None:
    """Twelve kills of `train`, each followed by --resume."""
    line = (data, "--config", config)
    check_kills(training_workshop, line, tmp_path, n_kills=12, seed=1)


def test_a_killed_fit_ends_with_the_same_model(
    training_workshop: Workshop, data: Path, config: Path, tmp_path: Path
) -> None:
    """Six kills of `train --fit`, each followed by --resume."""
    start = training_workshop.run("train", data, "--config", config, "-o", tmp_path / "start")
    assert start.code == 0, start.err
    line = (data, "--config", config, "--from", tmp_path / "start" / "best", "--freeze", "--fit")
    check_kills(training_workshop, line, tmp_path, n_kills=6, seed=2)


@pytest.mark.parametrize("kilobytes", [8, 40, 80])
def test_a_disk_that_fills_up_while_training(
    training_workshop: Workshop, data: Path, config: Path, tmp_path: Path, kilobytes: int
) -> None:
    """One line and code 3; with more room --resume ends with the same model."""
    line = (data, "--config", config)
    assert training_workshop.run("train", *line, "-o", tmp_path / "whole").code == 0
    with small_disk(tmp_path / "disk", size=f"{kilobytes}k") as disk:
        run = disk / "run"
        full = training_workshop.run("train", *line, "-o", run)
        assert full.code == 3, full.err
        last_line = full.err.splitlines()[-1]
        assert "No space left on device" in last_line
        assert "Traceback" not in full.err
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        ended = go_on(training_workshop, line, run)
        assert ended.code == 0, ended.err
        assert model_in(run) == model_in(tmp_path / "whole")
        assert leftovers(run) == []
