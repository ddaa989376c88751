"""Cross-validation on frozen features, remarks on takes, and their place in the report."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from embedder.config.dataset import DatasetConfig
from embedder.config.objectives import ObjectiveConfig
from embedder.config.training import OptimiserConfig, TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.datasets.opening import open_configured
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from embedder.training.folder.run_folder import TrainingResult
from embedder.training.takes import remarks_on_takes
from embedder.training.train import train
from tests.embedder.rich_sets import HEARS
from tests.embedder.small_sets import small_config, write_array_set

N_TAKES = 10
RATE = 8000


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An untrained network for sound of 8 kHz, which takes no file below half a second."""
    folder = tmp_path_factory.mktemp("start")
    save_model(folder, seeded_network(HEARS, seed=1))
    return str(folder)


@pytest.fixture(scope="module")
def array_start(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An untrained network for the small arrays."""
    folder = tmp_path_factory.mktemp("start for arrays")
    save_model(folder, seeded_network(small_config().model, seed=1))
    return str(folder)


def fitting(checkpoint: str, *, fit: bool = True) -> TrainingConfig:
    """A fit; without it, no epoch of a frozen head."""
    return dataclasses.replace(
        small_config(epochs=0 if fit else 1),
        transfer=TransferConfig(checkpoint, freeze=True, fit=fit),
        dataset=DatasetConfig(),
    )


def write_takes(folder: Path, *, seconds: float, sessions: tuple[str, ...]) -> Path:
    """Takes of a hiss and of a hum, in turn from each session."""
    generator = np.random.default_rng(0)
    time = np.arange(round(seconds * RATE)) / RATE
    for number in range(N_TAKES):
        hum = 0.3 * np.sin(2 * np.pi * (90 + 10 * number) * time)
        for label, sound in (("hum", hum), ("hiss", 0.1 * generator.normal(size=len(time)))):
            path = folder / label / f"{label}-{number}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            noisy = sound + 0.01 * generator.normal(size=len(time))
            tags = {"date": sessions[number % len(sessions)]}
            write_audio(path, noisy.astype(np.float32)[None], RATE, tags=tags)
    return folder


@pytest.mark.parametrize("fit", [True, False])
def test_every_track_is_held_out_once(array_start: str, tmp_path: Path, fit: bool) -> None:
    """All tracks are answered for, artists apart, and clear genres are told apart."""
    data = write_array_set(tmp_path / "set", tracks_per_genre=20)
    facts = train(data, fitting(array_start, fit=fit), tmp_path / "run").cross_validation
    assert (facts["n_tracks"], facts["apart_by"], facts["n_folds"]) == (80, "artist", 5)
    assert np.sum(facts["confusion"]) == 80
    assert np.trace(facts["confusion"]) == 80 - len(facts["wrong"])
    assert facts["accuracy"] > 0.8


def test_a_trained_head_is_judged_as_it_is(array_start: str, tmp_path: Path) -> None:
    """A softmax that learns nothing answers by chance; a logistic regression would do better."""
    data = write_array_set(tmp_path / "set", tracks_per_genre=20)
    config = dataclasses.replace(
        fitting(array_start, fit=False),
        objectives=(ObjectiveConfig(kind="softmax"),),
        optimiser=OptimiserConfig(learning_rate=1e-9),
    )
    assert train(data, config, tmp_path / "run").cross_validation["accuracy"] < 0.6


def test_no_head_learns_from_the_fold_that_it_is_measured_on(
    array_start: str, tmp_path: Path
) -> None:
    """With labels drawn by lot, accuracy is that of chance, one in four."""
    data = write_array_set(tmp_path / "set")
    lines = (data / "tracks.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines[1:]]
    lot = np.random.default_rng(3).permutation([row[1] for row in cells])
    rows = [f"{row[0]},{genre}" for row, genre in zip(cells, lot, strict=True)]
    (data / "tracks.csv").write_text("\n".join(["track,genre", *rows]) + "\n")
    facts = train(data, fitting(array_start), tmp_path / "run").cross_validation
    assert facts["n_tracks"] == 96
    assert facts["accuracy"] < 0.45


def test_a_stored_test_side_stays_out(array_start: str, tmp_path: Path) -> None:
    """It is for the last measurement, with a model that nobody chose by it."""
    data = write_array_set(tmp_path / "set")
    table = (data / "tracks.csv").read_text()
    (data / "tracks.csv").write_text(table.replace("validation", "test"))
    facts = train(data, fitting(array_start), tmp_path / "run").cross_validation
    assert facts["n_tracks"] == table.count("training")


def test_tracks_beyond_a_limit_stay_out(array_start: str, tmp_path: Path) -> None:
    """A limit of six leaves six training tracks and the eight held-out ones of each genre."""
    data = write_array_set(tmp_path / "set")
    limited = dataclasses.replace(fitting(array_start), dataset=DatasetConfig(limit_per_label=6))
    facts = train(data, limited, tmp_path / "run").cross_validation
    assert facts["n_tracks"] == 4 * (6 + 8)


@pytest.fixture(scope="module")
def short_run(
    start: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingResult, Path, Path]:
    """A run on takes of 0.28 s, each label in two sessions, and a take under a false label."""
    folder = tmp_path_factory.mktemp("short")
    sessions = ("2026-11-28T10:00:00", "2026-11-30T17:30:00")
    data = write_takes(folder / "takes", seconds=0.28, sessions=sessions)
    stray = data / "hum" / "hum-stray.flac"
    noise = 0.1 * np.random.default_rng(5).normal(size=(1, RATE)).astype(np.float32)
    write_audio(stray, noise, RATE, tags={"date": sessions[0]})
    return train(data, fitting(start), folder / "run"), folder / "run", stray


def test_takes_of_a_quarter_of_a_second_are_learnt(
    short_run: tuple[TrainingResult, Path, Path],
) -> None:
    """None is left out, though the start takes no less than half a second; sessions are apart."""
    result, _, stray = short_run
    assert result.left_out == ()
    facts = result.cross_validation
    assert (facts["n_tracks"], facts["apart_by"], facts["n_folds"]) == (21, "session", 2)
    assert f"hum/{stray.name}" in [track["track"] for track in facts["wrong"]]
    (remark,) = result.remarks
    assert remark.startswith("20 of 21 takes are shorter than 0.3 s")


def test_a_wrong_take_can_be_played_in_the_report(
    short_run: tuple[TrainingResult, Path, Path],
) -> None:
    """The page holds the file itself, with its label and the answer."""
    result, run, stray = short_run
    page = (run / "report.html").read_text()
    row = re.search(rf"<tr><th>hum/{stray.name}</th>.*?</tr>", page)
    assert row is not None
    assert "<td>hum</td>" in row[0]
    assert 'src="data:audio/flac;base64,ZkxhQ' in row[0]  # fLaC
    assert result.remarks[0] in page


def test_one_session_is_named(tmp_path: Path) -> None:
    """If all takes of a label are from one session, the room may be what was learnt."""
    data = write_takes(tmp_path / "takes", seconds=0.6, sessions=("2026-11-30T17:30:00",))
    (remark,) = remarks_on_takes(open_configured(data, DatasetConfig()), "genre")
    assert remark.startswith("All takes of hiss, hum are from one session or one recording")


def test_a_year_is_no_session(tmp_path: Path) -> None:
    """Songs of one year were not recorded in one room."""
    data = write_takes(tmp_path / "takes", seconds=0.6, sessions=("2003",))
    assert remarks_on_takes(open_configured(data, DatasetConfig()), "genre") == []
