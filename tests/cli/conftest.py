"""A small real model, and a library of a few synthesised songs."""

import shutil
from pathlib import Path

import pytest

from embedder.config.presets import MODELS
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from index.vectors.calibration import Calibration
from tests.cli.songs import BROKEN, NAMES, ODD, write_song
from tests.conftest import RunCli


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    calibration = Calibration((0.0, 0.5, 2.0), (1.0, 0.5, 0.0)).to_json()
    network = seeded_network(MODELS["tiny"], seed=1)
    save_model(folder, network, name="tiny", facts={"calibration": calibration})
    return folder


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """A folder with music (a broken file among it) and a library of it."""
    from cli.app import main

    place = tmp_path_factory.mktemp("ready")
    for seed, name in enumerate(NAMES):
        write_song(place / "music" / name, seed)
    (place / "music" / BROKEN).write_bytes(b"no music")
    words = ["--quiet", "--library", str(place / "library"), "index", str(place / "music")]
    assert main([*words, "--model", str(model)]) == 5
    return place


@pytest.fixture
def place(ready: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change. Paths in the library are those of the original."""
    shutil.copytree(ready / "library", tmp_path / "library")
    return tmp_path


@pytest.fixture
def indexed(run_cli: RunCli, tmp_path: Path, model: Path) -> tuple[str, ...]:
    """The words that index a folder of one song and one broken file, after the first run."""
    write_song(tmp_path / "music" / ODD, 1)
    (tmp_path / "music" / BROKEN).write_bytes(b"no music")
    line = ("--json", "--library", str(tmp_path / "library"), "index", str(tmp_path / "music"))
    assert run_cli(*line, "--model", str(model)).code == 5
    return line
