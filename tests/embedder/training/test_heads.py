"""The heads of a run: their own or fitted, calibrated, and saved with the model."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from embedder.config.training import DatasetConfig, ObjectiveConfig, TrainingConfig
from embedder.models.card import read_card
from embedder.models.heads import Head, read_heads
from embedder.training.folder.run_state import RunState
from embedder.training.heads import calibrated, logistic_regression
from embedder.training.run import TrainingRun
from embedder.training.train import open_run
from embedder.training.validation import encode_excerpts
from tests.embedder.small_sets import GENRES, small_config, write_array_set


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_array_set(tmp_path_factory.mktemp("sets") / "four genres")


def finished(data: Path, folder: Path, objective: ObjectiveConfig, **model: object) -> TrainingRun:
    config: TrainingConfig = small_config(epochs=2)
    config = dataclasses.replace(
        config,
        objectives=(objective,),
        model=dataclasses.replace(config.model, **model),  # type: ignore[arg-type]  # plain words
    )
    run = open_run(data, config, folder)
    run.run()
    return run


def best_head(folder: Path) -> Head:
    head = read_heads(folder / "best", read_card(folder / "best")).labels
    assert head is not None
    return head


@pytest.mark.parametrize("geometry", ["cosine", "euclidean", "poincare"])
@pytest.mark.parametrize("kind", ["softmax", "proxy-anchor"])
def test_the_networks_own_head_is_saved(
    data: Path, tmp_path: Path, kind: str, geometry: str
) -> None:
    """The saved logits are those that the loss computes, in each geometry."""
    run = finished(data, tmp_path, ObjectiveConfig(kind=kind), geometry=geometry)  # type: ignore[arg-type]  # a kind
    folder = tmp_path / "last"
    head = read_heads(folder, read_card(folder)).labels
    assert head is not None
    assert (head.labels, head.field, head.origin) == (GENRES, "genre", "trained")
    rows = run.dataset.positions("train")[:5]
    network = run.start.load(folder)
    _, vectors = encode_excerpts(
        run.source, rows, network, run.start.front_end, device=torch.device("cpu")
    )
    with torch.no_grad():
        expected = run.objective.logits(vectors)  # type: ignore[operator]  # a method
    if kind == "proxy-anchor":
        expected = expected * run.objective.config.proxy_scale  # type: ignore[union-attr]  # one objective
    np.testing.assert_allclose(head.logits(vectors.numpy()), expected, atol=1e-4, rtol=1e-4)


def test_a_run_of_triplets_gets_a_fitted_head(data: Path, tmp_path: Path) -> None:
    """It knows the labels of held-out tracks far better than guessing, a quarter, and says so."""
    run = finished(data, tmp_path, ObjectiveConfig(kind="triplet", mining="all"))
    head = best_head(tmp_path)
    assert (head.labels, head.origin) == (GENRES, "fitted")
    assert head.calibration.n_tracks == len(run.dataset.positions("validation"))


@pytest.mark.parametrize("best_epoch", [1, 2])
def test_the_last_model_has_a_head_of_its_own(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, best_epoch: int
) -> None:
    """It is fitted to the last vectors, and is that of the best model only if both are one."""
    scores = {1: 0.1, 2: 0.1} | {best_epoch: 0.9}
    monkeypatch.setattr(RunState, "accept_best", lambda state, _: _accept(state, scores))
    run = finished(data, tmp_path, ObjectiveConfig(kind="triplet", mining="all"))
    last, best = (read_heads(tmp_path / n, read_card(tmp_path / n)) for n in ("last", "best"))
    assert last.labels is not None
    assert best.labels is not None
    n_validation = len(run.dataset.positions("validation"))
    assert (last.labels.origin, last.labels.calibration.n_tracks) == ("fitted", n_validation)
    assert np.array_equal(last.labels.weight, best.labels.weight) == (best_epoch == 2)


def _accept(state: RunState, scores: dict[int, float]) -> bool:
    if scores[state.epoch] > 0.5:
        state.best_epoch = state.epoch
    return scores[state.epoch] > 0.5


def test_the_result_has_the_heads_accuracy(data: Path, tmp_path: Path) -> None:
    """Beside that of the neighbours' vote."""
    config = small_config(epochs=12)
    config = dataclasses.replace(
        config,
        objectives=(ObjectiveConfig(kind="softmax"),),
        optimiser=dataclasses.replace(config.optimiser, head_learning_rate_factor=10.0),
    )
    result = open_run(data, config, tmp_path).run()
    assert result.scores["head_accuracy"] > 0.6
    assert "accuracy" in result.scores


def test_a_run_without_held_out_tracks_has_an_uncalibrated_head(data: Path, tmp_path: Path) -> None:
    """Its temperature stays 1, and the card says that no track calibrated it."""
    config = small_config(epochs=1)
    dataset = dataclasses.replace(DatasetConfig(), learn_validation=True)
    open_run(data, dataclasses.replace(config, dataset=dataset), tmp_path).run()
    assert best_head(tmp_path).calibration.n_tracks == 0
    assert best_head(tmp_path).calibration.temperature == 1.0


def test_logistic_regression_is_that_of_scikit_learn() -> None:
    """The same probabilities, for labels and for tags."""
    generator = np.random.default_rng(3)
    inputs = generator.normal(size=(60, 4))
    ids = (inputs[:, 0] > 0).astype(int) + (inputs[:, 1] > 0.5)
    standard = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    expected = (
        LogisticRegression(max_iter=1000, tol=1e-8).fit(standard, ids).predict_proba(standard)
    )
    truth = np.eye(3)[ids]
    weight, bias = logistic_regression(torch.from_numpy(inputs), torch.from_numpy(truth), "softmax")
    logits = torch.from_numpy(inputs) @ weight.T + bias
    np.testing.assert_allclose(torch.softmax(logits, dim=1).numpy(), expected, atol=1e-3)
    weight, bias = logistic_regression(
        torch.from_numpy(inputs), torch.from_numpy(truth[:, :1]), "sigmoid"
    )
    one = LogisticRegression(max_iter=1000, tol=1e-8).fit(standard, truth[:, 0])
    logits = torch.from_numpy(inputs) @ weight.T + bias
    np.testing.assert_allclose(
        torch.sigmoid(logits)[:, 0].numpy(), one.predict_proba(standard)[:, 1], atol=1e-3
    )


def test_calibration_finds_the_temperature() -> None:
    """Logits that are three times too large get a temperature near three."""
    generator = np.random.default_rng(5)
    vectors = generator.normal(size=(4000, 3))
    chances = np.exp(vectors) / np.exp(vectors).sum(axis=1, keepdims=True)
    ids = np.array([generator.choice(3, p=row) for row in chances])
    truth = np.eye(3, dtype=np.float32)[ids]
    head = Head(
        3 * np.eye(3, dtype=np.float32),
        np.zeros(3, dtype=np.float32),
        ("a", "b", "c"),
        kind="softmax",
    )
    encoded = (np.arange(4000), torch.from_numpy(vectors.astype(np.float32)))
    calibration = calibrated(head, encoded, truth).calibration
    assert calibration.temperature == pytest.approx(3, rel=0.1)
    assert calibration.excerpt_temperature == pytest.approx(3, rel=0.1)
    assert calibration.n_tracks == 4000
