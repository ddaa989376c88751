"""A projection fitted to labels in one step, and runs with it."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import torch as safetensors
from sklearn.linear_model import Ridge

from embedder.config.batches import SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.objectives import ObjectiveConfig
from embedder.config.training import OptimiserConfig, TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.encoding.encoder import TrackEncoder
from embedder.errors import ConfigError
from embedder.models.card import read_card
from embedder.models.registry import load_model
from embedder.training.settings import TrainingRequest, training_config
from embedder.training.start.closed_form import Affine
from embedder.training.start.fitting import fitted_projection
from embedder.training.start.inheriting import base_model
from embedder.training.train import train
from tests.embedder.rich_sets import write_audio_set, write_rich_set
from tests.embedder.small_sets import small_config, write_array_set


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rich_set(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def start(data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An untrained network, whose backbone still separates the sounds."""
    folder = tmp_path_factory.mktemp("first") / "run"
    still = dataclasses.replace(
        small_config(epochs=1), optimiser=OptimiserConfig(learning_rate=1e-12)
    )
    train(data, still, folder)
    return str(folder / "best")


def fitting(checkpoint: str, *, epochs: int = 0, freeze: bool = True) -> TrainingConfig:
    return dataclasses.replace(
        small_config(epochs=epochs), transfer=TransferConfig(checkpoint, freeze=freeze, fit=True)
    )


@pytest.mark.parametrize("n_tracks", [12, 60])
def test_it_is_ridge_regression_beside_the_base(n_tracks: int) -> None:
    """Any two tracks are as close as their predictions and their base vectors together say.

    With fewer tracks than features and with more; one track is unlabelled.
    """
    generator = np.random.default_rng(n_tracks)
    features = generator.normal(size=(n_tracks, 20)) * generator.uniform(0.1, 5, 20) + 3
    targets = np.eye(3)[generator.integers(0, 3, n_tracks)]
    targets[:3] = np.eye(3)
    targets[-1] = 0
    base = Affine(generator.normal(size=(4, 20)), generator.normal(size=4))
    transfer = TransferConfig(fit_shrinkage=0.5, fit_base_weight=0.7)
    vectors = fitted_projection(features, targets, base, size=12, transfer=transfer, sizes=(20,))(
        features
    )

    fitted_features = features[:-1]
    mean, deviation = fitted_features.mean(axis=0), fitted_features.std(axis=0)
    standard = (fitted_features - mean) / deviation
    ridge = Ridge(alpha=0.5 * np.square(standard).sum(axis=1).mean(), fit_intercept=False)
    ridge.fit(standard, targets[:-1] - targets[:-1].mean(axis=0))
    predicted = ridge.predict((features - mean) / deviation)
    products = np.zeros((n_tracks, n_tracks))
    for weight, part in ((1.0, predicted), (0.7, base(features))):
        unit = part / np.sqrt(np.square(part).sum(axis=1).mean())
        products += weight**2 * unit @ unit.T
    assert vectors.shape == (n_tracks, 12)  # more than there are directions: the rest is nought
    np.testing.assert_allclose(vectors @ vectors.T, products, atol=1e-9)


def test_neighbours_agree_without_an_epoch(data: Path, start: str, tmp_path: Path) -> None:
    """The score is better than that of the start, and only the projection differs."""
    result = train(data, fitting(start), tmp_path / "run")
    assert (result.epochs, result.best_epoch, result.steps) == (0, 0, 0)
    assert result.scores["accuracy"] >= 0.5  # one in four by chance, and artists drown genres
    assert result.scores["map"] > result.before["map"] + 0.03
    before, after = (
        safetensors.load_file(Path(folder) / "weights.safetensors")
        for folder in (start, tmp_path / "run" / "best")
    )
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"network.projection.weight", "network.projection.bias"}
    card = read_card(tmp_path / "run" / "best")
    assert card.scores["map"] == pytest.approx(result.scores["map"], abs=1e-4)
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{result.before['map']:.3f}" in page


def test_four_tracks_can_be_fitted(data: Path, start: str, tmp_path: Path) -> None:
    """No held-out tracks and no batches are needed, for any preset."""
    request = TrainingRequest(
        "base",
        assignments=("dataset.validation_share=0", "dataset.test_share=0", "loop.device=cpu"),
        checkpoint=start,
        fit=True,
    )
    few = tmp_path / "few"
    few.mkdir()
    rows = [line.split(",") for line in (data / "tracks.csv").read_text().splitlines()]
    of_genre = {genre: [row for row in rows if row[1] == genre][:2] for genre in ("jazz", "rock")}
    rows = [rows[0], *of_genre["jazz"], *of_genre["rock"]]
    (few / "tracks.csv").write_text("\n".join(",".join(row[:3]) for row in rows) + "\n")
    arrays = np.load(data / "spectrograms.npz")
    is_chosen = np.isin(arrays["track"], [row[0] for row in rows])
    np.savez(few / "spectrograms.npz", **{name: arrays[name][is_chosen] for name in arrays.files})
    result = train(few, training_config(request), tmp_path / "run")
    assert (result.steps, result.scores) == (0, {})
    assert load_model(tmp_path / "run").kind == "network"


@pytest.mark.parametrize("freeze", [True, False])
def test_training_goes_on_from_the_fit(
    data: Path, start: str, tmp_path: Path, *, freeze: bool
) -> None:
    """Epoch 0 is recorded, and stays the best if no epoch is better."""
    config = fitting(start, epochs=2, freeze=freeze)
    config = dataclasses.replace(config, optimiser=OptimiserConfig(learning_rate=1e-12))
    result = train(data, config, tmp_path / "run")
    assert [record["epoch"] for record in result.history] == [0, 1, 2]
    assert result.scores["map"] > result.before["map"]
    assert result.history[0]["map"] == max(record["map"] for record in result.history)


def test_another_size_and_a_tagging_head_go_with_it(data: Path, start: str, tmp_path: Path) -> None:
    """The model before the fit has no head and its own vector size."""
    config = fitting(start, epochs=1)
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, embedding_size=5),
        objectives=(ObjectiveConfig(kind="tagging"),),
        dataset=DatasetConfig(tag_field="tag"),
        sampler=SamplerConfig(kind="plain"),
    )
    result = train(data, config, tmp_path / "run")
    assert load_model(tmp_path / "run").embedding_size == 5
    assert "pr_auc" in result.scores
    assert "pr_auc" not in result.before
    assert result.before["tag_map"] > 0


def test_an_imported_encoder_is_fitted_too(imported: str, tmp_path: Path) -> None:
    """Its vectors are the comparison, and the resulting model encodes files."""
    audio = write_audio_set(tmp_path / "audio", seconds=1.0)
    split = DatasetConfig(validation_share=0.25, test_share=0.0)
    result = train(audio, dataclasses.replace(fitting(imported), dataset=split), tmp_path / "run")
    assert result.scores["map"] >= result.before["map"]
    encoding = TrackEncoder.load(tmp_path / "run" / "best").encode(next(audio.rglob("*.wav")))
    assert np.linalg.norm(encoding.vector) == pytest.approx(1.0, abs=1e-5)


def test_what_cannot_be_fitted_is_refused(data: Path, start: str, tmp_path: Path) -> None:
    """No start, no labels, a curved space, a hidden layer: each has a message."""
    with pytest.raises(ConfigError, match="--from"):
        base_model(TransferConfig(fit=True))
    plain = fitting(start)
    bent = dataclasses.replace(plain, model=dataclasses.replace(plain.model, geometry="poincare"))
    hidden = dataclasses.replace(plain, transfer=dataclasses.replace(plain.transfer, hidden_size=8))
    uniform = write_array_set(tmp_path / "uniform")
    table = (uniform / "tracks.csv").read_text()
    (uniform / "tracks.csv").write_text(re.sub(r"(?<=,)(dance|folk|jazz|rock)(?=,)", "all", table))
    tagging = dataclasses.replace(
        plain, objectives=(ObjectiveConfig(kind="tagging"),), dataset=DatasetConfig(tag_field="tag")
    )
    for at, (tracks, config, message) in enumerate(
        [
            (data, tagging, "a tagging head is trained"),
            (data, bent, "poincare"),
            (data, hidden, "hidden_size"),
            (uniform, plain, "two labels"),
        ]
    ):
        with pytest.raises(ConfigError, match=message):
            train(tracks, config, tmp_path / str(at))
