"""A models folder for each test, and a tiny saved model."""

from pathlib import Path

import pytest

from embedder.models.kinds.network import save_model
from embedder.networks.network import EmbeddingNetwork, seeded_network
from tests.embedder.models.saved_models import CONFIG


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which models are found by name."""
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def network() -> EmbeddingNetwork:
    """A tiny network with seeded weights."""
    return seeded_network(CONFIG, seed=1)


@pytest.fixture
def folder(tmp_path: Path, network: EmbeddingNetwork) -> Path:
    """The saved network."""
    save_model(tmp_path / "model", network, licence="CC0", scores={"accuracy": 0.5})
    return tmp_path / "model"
