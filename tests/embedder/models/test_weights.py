"""Weights in 16 and 8 bits: smaller files and nearly the same vectors."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from embedder.config.model import BackboneConfig, FrontEndConfig, ModelConfig
from embedder.errors import CorruptArtefact
from embedder.models.kinds.network import save_model
from embedder.models.kinds.weights import GROUP, WeightBits, packed, unpacked
from embedder.models.registry import load_model
from embedder.networks.network import EmbeddingNetwork, seeded_network

LARGEST_ERROR: dict[WeightBits, float] = {16: 2e-3, 8: 2e-2}
SIZE: dict[WeightBits, float] = {16: 0.6, 8: 0.35}


def network() -> EmbeddingNetwork:
    """A network whose running statistics have changed."""
    config = ModelConfig(
        front_end=FrontEndConfig(n_bins=16),
        backbone=BackboneConfig(kind="short-chunk", filters=(16, 32)),
        embedding_size=5,
    )
    trained = seeded_network(config, seed=1)
    trained.train()(levels())
    return trained.eval()


def levels() -> Tensor:
    return torch.rand(60, 16, 24, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("bits", [16, 8])
def test_fewer_bits_make_a_smaller_file_and_keep_the_vectors(
    tmp_path: Path, bits: WeightBits
) -> None:
    """A model stored in fewer bits loads as any other and gives nearly the same vectors."""
    original = network()
    full_card = save_model(tmp_path / "whole", original)
    small = save_model(tmp_path / "small", original, weight_bits=bits)
    model = load_model(tmp_path / "small")
    assert small.fingerprint == model.fingerprint != full_card.fingerprint
    assert (model.network(levels()) - original(levels())).abs().max() < LARGEST_ERROR[bits]
    assert isinstance(model.network, EmbeddingNetwork)
    assert all(weight.dtype == torch.float32 for weight in model.network.parameters())
    sizes = [(tmp_path / n / "weights.safetensors").stat().st_size for n in ("small", "whole")]
    assert sizes[0] < SIZE[bits] * sizes[1]


@pytest.mark.parametrize("bits", [32, 16, 8])
def test_a_model_stored_twice_stays_the_same(tmp_path: Path, bits: WeightBits) -> None:
    """Loading and saving again change nothing more."""
    once = save_model(tmp_path / "once", network(), weight_bits=bits)
    loaded = load_model(tmp_path / "once").network
    assert isinstance(loaded, EmbeddingNetwork)
    again = save_model(tmp_path / "again", loaded, weight_bits=bits)
    assert again.fingerprint == once.fingerprint


@given(
    st.integers(1, 5),
    st.integers(1, 3 * GROUP),
    st.floats(1e-20, 1e20),
    st.integers(0, 2**32 - 1),
)
def test_eight_bits_are_off_by_half_a_step_at_most(
    n_rows: int, n_columns: int, scale: float, seed: int
) -> None:
    """A step is a 127th of the largest weight of its group, for any shape and scale."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(n_rows, n_columns, generator=generator) * scale
    restored = unpacked(packed({"w": weights, "b": weights[0]}, 8))
    assert restored.keys() == {"w", "b"}
    assert torch.equal(restored["b"], weights[0])
    flat, error = weights.flatten(), (restored["w"] - weights).flatten().abs()
    for start in range(0, len(flat), GROUP):
        step = flat[start : start + GROUP].abs().max() / 127
        assert error[start : start + GROUP].max() <= 0.501 * step


def test_weights_of_nothing_but_zeros_stay_zeros() -> None:
    """The steps of a group of zeros are zero."""
    zeros = {"w": torch.zeros(3, 5)}
    assert torch.equal(unpacked(packed(zeros, 8))["w"], zeros["w"])


def test_steps_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """A wrong number of steps is an error."""
    save_model(tmp_path / "model", network(), weight_bits=8)
    tensors = load_file(tmp_path / "model" / "weights.safetensors")
    name = "network.projection.weight"
    for steps in (tensors[f"{name}.steps"][:-1], tensors[f"{name}.steps"].double()):
        altered = unpacked(tensors | {f"{name}.steps": steps})
        assert altered[name].dtype == torch.int8
        assert f"{name}.steps" in altered


def test_a_file_without_its_steps_is_said_to_be_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the missing tensor, even if the fingerprint fits the file."""
    left_out = "network.projection.weight.steps"
    monkeypatch.setattr(
        "embedder.models.kinds.network.packed",
        lambda tensors, bits: {n: t for n, t in packed(tensors, bits).items() if n != left_out},
    )
    save_model(tmp_path / "model", network(), weight_bits=8)
    with pytest.raises(CorruptArtefact, match=r"network\.projection\.weight is int8"):
        load_model(tmp_path / "model")
