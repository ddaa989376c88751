"""The fingerprint of a model: what changes it and what does not."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.models.card import read_card, with_facts, write_card
from embedder.models.fingerprint import network_fingerprint, short_fingerprint
from embedder.models.kinds.network import save_model
from embedder.models.registry import load_model
from embedder.networks.network import EmbeddingNetwork
from tests.embedder.models.saved_models import CONFIG

OTHER_SETTINGS = {
    "excerpts": ModelConfig(excerpts=ExcerptConfig(n_excerpts=3)),
    "front end": ModelConfig(front_end=FrontEndConfig(hop_samples=256)),
    "backbone": ModelConfig(backbone=BackboneConfig(pool=3)),
    "geometry": ModelConfig(geometry="euclidean"),
}


def test_saving_a_loaded_model_keeps_its_fingerprint(folder: Path, tmp_path: Path) -> None:
    """Loading and saving change nothing."""
    model = load_model(folder)
    assert isinstance(model.network, EmbeddingNetwork)
    card = save_model(tmp_path / "again", model.network)
    assert card.fingerprint == model.fingerprint


def test_the_memory_order_of_weights_does_not_matter(
    folder: Path, network: EmbeddingNetwork, tmp_path: Path
) -> None:
    """A network in channels_last order has the same fingerprint as in the usual order."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    card = save_model(tmp_path / "other", network)
    assert card.fingerprint == read_card(folder).fingerprint


def test_old_fingerprints_do_not_change() -> None:
    """A known model keeps its fingerprint; otherwise all libraries would need a new index."""
    tensors = {
        "network.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
        "network.half": torch.tensor([0.5, -2.0], dtype=torch.bfloat16),
        "network.steps": torch.tensor(7),
    }
    assert short_fingerprint(network_fingerprint(CONFIG, tensors)) == "8835eecb9971"


@pytest.mark.parametrize("part", OTHER_SETTINGS)
def test_the_fingerprint_covers_every_setting(part: str) -> None:
    """Other excerpts, front ends, networks and geometries have other fingerprints."""
    tensors = {"weight": torch.ones(2)}
    default = network_fingerprint(ModelConfig(), tensors)
    assert network_fingerprint(OTHER_SETTINGS[part], tensors) != default


@pytest.mark.parametrize(
    "tensors",
    [
        {"renamed": torch.ones(2)},
        {"weight": torch.ones(2, 1)},
        {"weight": torch.ones(2, dtype=torch.float64)},
        {"weight": torch.tensor([1.0, 1.0000001])},
        {"weight": torch.ones(2), "more": torch.ones(0)},
    ],
)
def test_the_fingerprint_covers_names_shapes_types_and_values(tensors: dict[str, Tensor]) -> None:
    """Any difference in the tensors gives another fingerprint."""
    expected = network_fingerprint(CONFIG, {"weight": torch.ones(2)})
    assert network_fingerprint(CONFIG, tensors) != expected


def test_a_whole_number_for_a_fraction_is_the_same_setting() -> None:
    """The card stores 1 as 1.0, and both have the same fingerprint."""
    whole_number = ModelConfig(excerpts=ExcerptConfig(excerpt_seconds=2))
    fraction = ModelConfig(excerpts=ExcerptConfig(excerpt_seconds=2.0))
    assert network_fingerprint(whole_number, {}) == network_fingerprint(fraction, {})


def test_facts_do_not_change_the_fingerprint(folder: Path) -> None:
    """A model stays the same if facts are added to its card."""
    before = load_model(folder).fingerprint
    write_card(folder, with_facts(read_card(folder), {"seed": 4, "loss": [1.0, 0.5]}))
    model = load_model(folder)
    assert model.fingerprint == before
    assert model.card.facts == {"seed": 4, "loss": [1.0, 0.5]}
    assert (model.card.licence, model.card.scores) == ("CC0", {"accuracy": 0.5})
