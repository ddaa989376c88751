"""Models on disk: saving, loading, and finding them by name."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from embedder.config.model import BackboneConfig, FrontEndConfig, ModelConfig
from embedder.errors import (
    OutputExists,
    UnknownChoice,
)
from embedder.features.building import build_front_end
from embedder.models.kinds.network import save_model
from embedder.models.registry import find_model, list_models, load_model
from embedder.networks.network import EmbeddingNetwork, seeded_network
from tests.embedder.models.saved_models import CONFIG
from tests.golden.tones import chord


def spectrograms(n: int = 2) -> Tensor:
    return torch.rand(n, 16, 30, generator=torch.Generator().manual_seed(2))


def test_a_loaded_model_gives_the_vectors_of_the_saved_one(
    folder: Path, network: EmbeddingNetwork
) -> None:
    """Weights, statistics and settings are equal after loading."""
    network.train()(spectrograms())  # so that the running statistics are not the initial ones
    save_model(folder, network, replace=True)
    model = load_model(folder)
    vectors, expected = model.network(spectrograms()), network.eval()(spectrograms())
    assert torch.allclose(vectors, expected, atol=1e-6)
    assert isinstance(model.network, EmbeddingNetwork)
    for name, tensor in network.state_dict().items():
        assert torch.equal(model.network.state_dict()[name], tensor)
    assert model.config == CONFIG
    assert (model.kind, model.sample_rate, model.embedding_size) == ("network", 8000, 5)


def test_a_loaded_model_turns_waveforms_into_vectors(folder: Path) -> None:
    """The loaded front end and network fit together."""
    model = load_model(folder)
    waveform = torch.rand(3, 8000, generator=torch.Generator().manual_seed(0))
    assert model.network(model.front_end(waveform, 8000)).shape == (3, 5)


def test_the_front_ends_statistics_are_saved_with_the_weights(tmp_path: Path) -> None:
    """A running normalisation has its statistics after loading."""
    config = ModelConfig(
        front_end=FrontEndConfig(
            sample_rate=8000, fft_size=256, hop_samples=128, n_bins=16, normalisation="running"
        ),
        backbone=BackboneConfig(filters=(4,)),
    )
    front_end = build_front_end(config.front_end).train()
    waveform = torch.rand(3, 8000, generator=torch.Generator().manual_seed(0))
    front_end(waveform, 8000)
    save_model(tmp_path / "m", seeded_network(config, seed=0), front_end=front_end)
    loaded = load_model(tmp_path / "m").front_end
    assert torch.equal(loaded(waveform, 8000), front_end.eval()(waveform, 8000))


def test_loading_draws_no_random_number(folder: Path) -> None:
    """The state of the global generator is unchanged."""
    state = torch.random.get_rng_state()
    load_model(folder)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_model_is_not_replaced_unasked(folder: Path, network: EmbeddingNetwork) -> None:
    """Without `replace` the old model stays."""
    before = (folder / "card.json").read_bytes()
    with pytest.raises(OutputExists, match="--force"):
        save_model(folder, seeded_network(CONFIG, seed=9))
    assert (folder / "card.json").read_bytes() == before


def test_a_name_stands_for_a_folder_among_the_users_models(
    models_folder: Path, network: EmbeddingNetwork
) -> None:
    """Models can be found by name, and are listed with their cards."""
    save_model(models_folder / "mine", network)
    assert find_model("mine") == models_folder / "mine"
    assert load_model("mine").name == "mine"
    assert "mine" in [listed.name for listed in list_models()]


def test_an_unknown_name_gets_the_nearest_known_one(
    models_folder: Path, network: EmbeddingNetwork
) -> None:
    """The message has the nearest name."""
    save_model(models_folder / "jazzy", network)
    with pytest.raises(UnknownChoice, match="Did you mean jazzy"):
        load_model("jazy")


def test_a_broken_model_is_listed_with_its_problem(
    models_folder: Path, network: EmbeddingNetwork
) -> None:
    """A damaged card does not hide the other models."""
    save_model(models_folder / "good", network)
    save_model(models_folder / "bad", network)
    (models_folder / "bad" / "card.json").write_text("{")
    listed = {model.name: model for model in list_models()}
    assert listed["good"].card is not None
    assert listed["bad"].card is None
    assert "not JSON" in listed["bad"].problem


def test_a_model_of_format_1_loads_forever() -> None:
    """A stored model of format 1 loads and gives the same vector."""
    folder = Path(__file__).parents[2] / "golden" / "model-format-1"
    model = load_model(folder)
    vector = model.network(model.front_end(chord(), 8000))[0].tolist()
    assert vector == pytest.approx(json.loads((folder / "expected.json").read_text()), abs=1e-4)
