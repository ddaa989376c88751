"""The curve from distance to probability that a run writes into its model's card."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from embedder.geometry import Cosine
from embedder.metrics.calibration import binary_reliability
from embedder.models.card import CALIBRATION_KEY, read_card
from embedder.training.card_calibration import calibration_facts
from embedder.training.feeding.known_tracks import KnownTracks
from embedder.training.train import open_run
from index.vectors.calibration import CARD_KEY, Calibration
from tests.embedder.small_sets import small_config, write_array_set


def known_of(labels: np.ndarray[tuple[int], np.dtype[np.int64]]) -> KnownTracks:
    """Tracks of these labels, without artists or tags."""
    nobody = np.full(len(labels), -1)
    return KnownTracks(labels, ("a", "b", "c"), nobody, nobody, None, (), None, None)


def test_the_curve_says_how_often_tracks_are_alike() -> None:
    """Of as many alike pairs as others, its probabilities come true, excerpts averaged."""
    generator = np.random.default_rng(0)
    labels = np.arange(240) % 3
    vectors = np.repeat(np.eye(3, 8)[labels], 2, axis=0) + 0.5 * generator.standard_normal((480, 8))
    encoded = (np.repeat(np.arange(240), 2), torch.from_numpy(vectors.astype(np.float32)))
    calibration = Calibration.from_json(
        calibration_facts(known_of(labels), encoded, Cosine())[CARD_KEY]
    )
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    means = units.reshape(240, 2, 8).mean(axis=1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    first, second = np.triu_indices(240, 1)
    distances = 1 - np.einsum("ij,ij->i", means[first], means[second])
    is_alike = labels[first] == labels[second]
    # Every third pair is alike: draw as many others.
    chosen = is_alike | (generator.random(len(first)) < is_alike.mean() / (1 - is_alike.mean()))
    scores = calibration.scores_at(distances[chosen])
    assert binary_reliability(scores, is_alike[chosen], n_bins=10).expected_error < 0.03


def test_too_few_tracks_give_no_curve() -> None:
    """With one label everywhere, no pair differs, and the card stays as it is."""
    encoded = (np.arange(30), torch.eye(30))
    assert calibration_facts(known_of(np.zeros(30, dtype=np.int64)), encoded, Cosine()) == {}


@pytest.mark.parametrize("name", ["best", "last"])
def test_a_trained_model_is_calibrated(finished: Path, name: str) -> None:
    """The cards of both models of a run have a curve that a library can read."""
    assert CALIBRATION_KEY == CARD_KEY
    assert Calibration.from_json(read_card(finished / name).facts[CARD_KEY]).is_learned


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of one epoch."""
    place = tmp_path_factory.mktemp("calibrated")
    config = dataclasses.replace(small_config(epochs=1))
    open_run(write_array_set(place / "set"), config, place / "run").run()
    return place / "run"
