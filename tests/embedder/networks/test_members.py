"""Several networks of one kind as members of a backbone."""

import pytest
import torch

from embedder.config.model import BackboneConfig, FrontEndConfig, ModelConfig
from embedder.networks.fusion import fused_for_inference
from embedder.networks.network import BACKBONES, seeded_network


@pytest.mark.parametrize("kind", BACKBONES)
def test_members_give_their_features_one_after_another(kind: str) -> None:
    """Each member has the features of the single network, also after fusion."""
    front_end = FrontEndConfig(kind="waveform" if kind == "waveform-cnn" else "log-mel", n_bins=16)
    backbone = BackboneConfig(kind=kind, filters=(4, 6), pooling="mean", members=2)  # type: ignore[arg-type]  # one of the kinds
    model = ModelConfig(front_end=front_end, backbone=backbone, embedding_size=5)
    network = seeded_network(model, seed=3).eval()
    levels = torch.rand(60, network.n_rows, 24, generator=torch.Generator().manual_seed(7))
    parts = [member(levels).mean(dim=-1) for member in network.backbone.members]  # type: ignore[union-attr]  # members
    assert torch.allclose(network.features(levels), torch.cat(parts, dim=1), atol=1e-6)
    assert torch.allclose(fused_for_inference(network)(levels), network(levels), atol=1e-4)
