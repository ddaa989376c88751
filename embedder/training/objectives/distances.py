"""Our geometries as pytorch-metric-learning's distances, so that its losses take any of them.

A loss of that library reads `is_inverted`, which is always false here. Losses
that are defined on a similarity (proxy-anchor, softmax) get 1 - distance, which on the sphere
is the cosine that their authors used.
"""

import torch
from pytorch_metric_learning.distances import BaseDistance

from embedder.geometry import Geometry


class GeometryDistance(BaseDistance):  # type: ignore[misc]  # the library has no types
    """Smaller is nearer. Embeddings come from the network already on their geometry."""

    def __init__(self, geometry: Geometry, *, as_similarity: bool = False) -> None:
        super().__init__(normalize_embeddings=False, is_inverted=as_similarity)
        self.geometry = geometry

    def compute_mat(self, query_emb: torch.Tensor, ref_emb: torch.Tensor) -> torch.Tensor:
        """[n, d] and [m, d] to [n, m]."""
        distances = self.geometry.pairwise(query_emb, ref_emb)
        return 1.0 - distances if self.is_inverted else distances

    def pairwise_distance(self, query_emb: torch.Tensor, ref_emb: torch.Tensor) -> torch.Tensor:
        """[n, d] and [n, d] to [n]."""
        return self.compute_mat(query_emb, ref_emb).diagonal()

    def normalize(self, embeddings: torch.Tensor, dim: int = 1) -> torch.Tensor:
        """Free parameters (proxies) onto the geometry, along `dim`."""
        return self.geometry.project(embeddings.movedim(dim, -1)).movedim(-1, dim)


class ProxyDistance(GeometryDistance):
    """Distances to proxies, which are free parameters and are projected here."""

    def compute_mat(self, query_emb: torch.Tensor, ref_emb: torch.Tensor) -> torch.Tensor:
        """[n, d] and [m, d] to [n, m]."""
        return super().compute_mat(query_emb, self.normalize(ref_emb))
