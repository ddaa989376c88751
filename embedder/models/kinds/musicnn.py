"""MusiCNN models in torch, for GPUs and for what is trained on them."""

from pathlib import Path

import torch
from torch import Tensor, nn

from embedder.geometry import Geometry, geometry_of
from embedder.models.card import Card
from embedder.models.kinds.foreign_mel import MelFrontEnd
from embedder.models.kinds.musicnn_file import MEL, SAMPLE_RATE, read_musicnn
from embedder.models.loaded import LoadedModel
from embedder.networks.musicnn import Musicnn
from embedder.networks.musicnn_weights import Layer


class MusicnnEncoder(nn.Module):
    """Mel patches [batch, bins, columns] to [batch, embedding_size + tags]."""

    def __init__(self, network: Musicnn, *, layer: Layer, geometry: Geometry) -> None:
        super().__init__()
        self.network = network
        self.layer = layer
        self.geometry = geometry

    def forward(self, features: Tensor) -> Tensor:
        """The layer's values, projected into the geometry, then the tags' probabilities."""
        outputs = self.network(features.transpose(1, 2))
        vectors = self.geometry.project(outputs.layer(self.layer))
        return torch.cat([vectors, outputs.tags.to(vectors.dtype)], dim=1)


def load_musicnn(folder: Path, card: Card) -> LoadedModel:
    """The model in a folder whose card was read."""
    tensors, layer = read_musicnn(folder, card)
    geometry = geometry_of(card.config.geometry, curvature=card.config.curvature)
    network = MusicnnEncoder(Musicnn(tensors), layer=layer, geometry=geometry)
    front_end = MelFrontEnd(MEL, sample_rate=SAMPLE_RATE).eval()
    return LoadedModel(folder, card, front_end, network.eval(), tags=card.tag_head.tags)
