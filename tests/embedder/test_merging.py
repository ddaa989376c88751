"""Several networks as one: their features, the space of all, and the file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from embedder.backbones.fusion import fused_for_inference
from embedder.backbones.network import BACKBONES, EmbeddingNetwork, seeded_network
from embedder.checkpoint import save_model
from embedder.config.model import BackboneConfig, FrontEndConfig, ModelConfig
from embedder.errors import ConfigError
from embedder.merging import merged_network
from embedder.model_registry import load_model


def config(
    kind: str = "short-chunk", pooling: str = "statistics", **values: int | tuple[int, ...]
) -> ModelConfig:
    kind_of_front_end = "waveform" if kind == "waveform-cnn" else "log-mel"
    return ModelConfig(
        front_end=FrontEndConfig(kind=kind_of_front_end, n_bins=16),  # type: ignore[arg-type]  # a kind
        backbone=BackboneConfig(kind=kind, pooling=pooling, **{"filters": (4, 6), **values}),  # type: ignore[arg-type]  # kinds
        embedding_size=5,
    )


def levels_for(network: EmbeddingNetwork, n: int = 60) -> Tensor:
    return torch.rand(n, network.n_rows, 24, generator=torch.Generator().manual_seed(7))


def seen(network: EmbeddingNetwork) -> EmbeddingNetwork:
    """With running statistics of its own."""
    network.train()(levels_for(network) * 0.7 + 0.1)
    return network.eval()


@pytest.mark.parametrize("kind", BACKBONES)
def test_members_give_their_features_one_after_another(kind: str) -> None:
    """Each member is the lone network that it would be."""
    network = seeded_network(config(kind, pooling="mean", members=2), seed=3).eval()
    levels = levels_for(network)
    parts = [member(levels).mean(dim=-1) for member in network.backbone.members]  # type: ignore[union-attr]  # members
    assert torch.allclose(network.features(levels), torch.cat(parts, dim=1), atol=1e-6)
    assert torch.allclose(fused_for_inference(network)(levels), network(levels), atol=1e-4)


@pytest.mark.parametrize("pooling", ["mean", "statistics"])
@pytest.mark.parametrize("n_networks", [1, 3])
def test_a_merged_network_is_the_main_directions_of_all(pooling: str, n_networks: int) -> None:
    """What it puts out is as wide in every direction as evenness says."""
    networks = [seen(seeded_network(config(pooling=pooling), seed=s)) for s in range(n_networks)]
    levels = levels_for(networks[0])
    apart = [n.projection(n.features(levels)).detach().double().numpy() for n in networks]
    together = np.concatenate([o / np.linalg.norm(o, axis=1).mean() for o in apart], axis=1)
    centred = together - together.mean(axis=0)
    for evenness in (0.0, 1.0):
        merged = merged_network(networks, levels, size=4, evenness=evenness)
        outputs = merged.projection(merged.features(levels)).detach().double().numpy()
        outputs -= outputs.mean(axis=0)
        spread = np.linalg.svd(centred, compute_uv=False)[:4]
        expected = spread**2 if evenness == 0 else np.full(4, float(len(levels)))
        assert np.allclose(outputs.T @ outputs, np.diag(expected), atol=expected.max() * 1e-3)


def test_what_cannot_be_merged_is_refused() -> None:
    """Other configurations, and more directions than there are."""
    first, other = seeded_network(config(), seed=0), seeded_network(config("plain-cnn"), seed=0)
    with pytest.raises(ConfigError, match="one and the same configuration"):
        merged_network([first, other], levels_for(first), size=4, evenness=0.5)
    with pytest.raises(ConfigError, match="fewer directions"):
        merged_network([first, first], levels_for(first), size=11, evenness=0.5)


def test_half_precision_halves_the_file_and_keeps_the_vectors(tmp_path: Path) -> None:
    """A model stored in 16 bits loads as any other and gives nearly the same vectors."""
    network = seen(seeded_network(config(filters=(16, 32)), seed=1))
    whole = save_model(tmp_path / "whole", network)
    half = save_model(tmp_path / "half", network, half_precision=True)
    model = load_model(tmp_path / "half")
    levels = levels_for(network)
    assert half.fingerprint == model.fingerprint != whole.fingerprint
    assert (model.network(levels) - network(levels)).abs().max() < 2e-3
    assert isinstance(model.network, EmbeddingNetwork)
    assert all(weight.dtype == torch.float32 for weight in model.network.parameters())
    sizes = [(tmp_path / n / "weights.safetensors").stat().st_size for n in ("half", "whole")]
    assert sizes[0] < 0.6 * sizes[1]
