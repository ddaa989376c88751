"""Combined models in torch: each member's front end on its own excerpts, and its network."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from embedder.config.model import ExcerptConfig
from embedder.geometry import geometry_of
from embedder.models.card import Card
from embedder.models.kinds.combined_file import Standard, read_standard
from embedder.models.kinds.combined_input import MemberRows, mean_parts, pack, unpack
from embedder.models.loaded import LoadedModel
from embedder.networks.fusion import fused_for_inference
from embedder.networks.network import EmbeddingNetwork


class CombinedFrontEnd:
    """Rows of excerpts [batch, samples] to the members' inputs, side by side: [batch, values]."""

    def __init__(self, members: Sequence[LoadedModel], excerpts: ExcerptConfig) -> None:
        self.members = members
        self.rows = MemberRows(members, excerpts)

    def __call__(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """Each member's front end on its own excerpts."""
        parts = self.rows.split(waveform.numpy(), sample_rate)
        inputs = [
            member.front_end(torch.from_numpy(part.samples), part.sample_rate).numpy()
            for member, part in zip(self.members, parts, strict=True)
        ]
        return torch.from_numpy(pack(inputs, [part.shares for part in parts]))


class CombinedNetwork(nn.Module):
    """The combined front end's output to vectors, and the tags of the first member that tags."""

    def __init__(
        self, members: Sequence[LoadedModel], excerpts: ExcerptConfig, standard: Standard
    ) -> None:
        super().__init__()
        self.members = members
        self.networks = [
            fused_for_inference(member.network)
            if isinstance(member.network, EmbeddingNetwork)
            else member.network
            for member in members
        ]
        for number, network in enumerate(self.networks):
            if isinstance(network, nn.Module):
                self.add_module(f"member_{number}", network)
        self.parts = MemberRows(members, excerpts).n_parts
        self.standard = standard
        self.geometry = geometry_of("cosine")
        self.tagger = next((n for n, member in enumerate(members) if member.tags), None)

    def members_vectors(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The members' vectors side by side, [batch, sum of sizes], and tags [batch, tags]."""
        vectors = []
        tags = torch.empty(len(features), 0)
        inputs = unpack(features, self.parts)
        for number, (values, shares) in enumerate(inputs):
            member, network = self.members[number], self.networks[number]
            outputs = network(values[shares.reshape(-1) > 0]).float().cpu().numpy()
            own, probabilities = mean_parts(outputs, shares.cpu().numpy(), member.config)
            vectors.append(torch.from_numpy(own))
            if number == self.tagger:
                tags = torch.from_numpy(probabilities)
        return torch.cat(vectors, dim=1), tags

    def forward(self, features: Tensor) -> Tensor:
        """Standardised, weighted, projected, of unit length; then the tags."""
        vectors, tags = self.members_vectors(features)
        balanced = torch.from_numpy(self.standard.apply(vectors.numpy()))
        return torch.cat([self.geometry.project(balanced), tags], dim=1).to(features.device)


def load_combined(folder: Path, card: Card, members: Sequence[LoadedModel]) -> LoadedModel:
    """The model in a folder whose card was read and whose members were loaded."""
    standard = read_standard(folder, card, members)
    excerpts = card.config.excerpts
    front_end = CombinedFrontEnd(members, excerpts)
    network = CombinedNetwork(members, excerpts, standard).eval()
    return LoadedModel(folder, card, front_end, network, tags=card.tag_head.tags)
