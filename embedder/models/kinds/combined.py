"""Several encoders as one model: each has its own front end, and their vectors stand side by side.

    FOLDER/card.json             kind "combined"
           combined.safetensors  mean and factor of each dimension, and the projection, if any
           members/0, members/1  whole copies of the encoders, of any kind

Each member's vector is standardised, divided by the root of its size and multiplied by its weight,
so that members of equal weight count equally, however long their vectors are. A projection, if
there is one, makes the result shorter.

The longest excerpt of the members is read from a track. A member with shorter excerpts takes them
from within that one, spread evenly, and averages over them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from embedder.config.model import ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.errors import CorruptArtefact, FingerprintMismatch, printable_path
from embedder.geometry import geometry_of
from embedder.models.card import Card, TagHeadRecord, write_card
from embedder.models.fingerprint import files_fingerprint, short_fingerprint
from embedder.models.kinds.combined_input import CombinedFrontEnd, parts_of, unpacked
from embedder.models.loaded import LoadedModel
from embedder.models.model_files import MEMBERS_NAME, copy_model
from embedder.networks.fusion import fused_for_inference
from embedder.networks.network import EmbeddingNetwork
from embedder.whole_files import write_whole

TENSORS_NAME = "combined.safetensors"


@dataclass(frozen=True, slots=True)
class Standard:
    """How the members' vectors are brought together.

    mean, factor: float32 [sum of sizes]; projection: float32 [size, sum of sizes], or None
    """

    mean: Tensor
    factor: Tensor
    projection: Tensor | None = None

    def apply(self, vectors: Tensor) -> Tensor:
        """Members' vectors [batch, sum of sizes] to [batch, size]."""
        mean, factor = self.mean.to(vectors), self.factor.to(vectors)
        balanced = (vectors - mean) * factor
        if self.projection is None:
            return balanced
        return balanced @ self.projection.to(vectors).T

    @property
    def size(self) -> int:
        """How many numbers the result has."""
        return len(self.mean) if self.projection is None else len(self.projection)


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
        self.parts = [parts_of(member.config.excerpts, excerpts) for member in members]
        self.standard = standard
        self.geometry = geometry_of("cosine")
        self.tagger = next((n for n, member in enumerate(members) if member.tags), None)

    def members_vectors(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The members' vectors side by side, [batch, sum of sizes], and tags [batch, tags]."""
        vectors = []
        tags = torch.empty(len(features), 0, device=features.device)
        inputs = unpacked(features, self.parts)
        for number, (member, network) in enumerate(zip(self.members, self.networks, strict=True)):
            outputs = network(inputs[number]).float().to(features.device)
            means = outputs.view(len(features), self.parts[number], -1).mean(dim=1)
            own = means[:, : member.embedding_size]
            vectors.append(
                member.geometry.project(own) if member.config.geometry == "cosine" else own
            )
            if number == self.tagger:
                tags = means[:, member.embedding_size :]
        return torch.cat(vectors, dim=1), tags

    def forward(self, features: Tensor) -> Tensor:
        """Standardised, weighted, projected, of unit length; then the tags."""
        vectors, tags = self.members_vectors(features)
        return torch.cat([self.geometry.project(self.standard.apply(vectors)), tags], dim=1)


def excerpts_of(members: Sequence[LoadedModel]) -> ExcerptConfig:
    """The excerpts of the member that reads the longest ones."""
    return max((member.config.excerpts for member in members), key=lambda e: e.excerpt_seconds)


def save_combined(
    folder: Path,
    members: Sequence[LoadedModel],
    standard: Standard,
    *,
    name: str,
    weights: Sequence[float],
    facts: Mapping[str, Any],
) -> Card:
    """Write the members' copies and the tensors, and the card last."""
    for number, member in enumerate(members):
        copy_model(member.folder, folder / MEMBERS_NAME / str(number))
    tensors = {"mean": standard.mean, "factor": standard.factor}
    if standard.projection is not None:
        tensors["projection"] = standard.projection
    path = folder / TENSORS_NAME
    write_whole(path, safetensors.torch.save({n: t.contiguous() for n, t in tensors.items()}))
    rates = {member.sample_rate for member in members}
    rate = 0 if 0 in rates else max(rates)
    config = ModelConfig(
        excerpts=excerpts_of(members),
        front_end=FrontEndConfig(kind="waveform", sample_rate=rate),
        embedding_size=standard.size,
    )
    source = {"members": [member.fingerprint for member in members], "weights": list(weights)}
    tagger = next((member for member in members if member.tags), None)
    card = Card(
        name=name,
        fingerprint=files_fingerprint(config, source, [path]),
        config=config,
        kind="combined",
        licence="; ".join(dict.fromkeys(part for m in members for part in _parts(m.card.licence))),
        description=f"{' and '.join(member.name for member in members)}, side by side",
        source=source,
        facts=dict(facts),
        tag_head=TagHeadRecord(tags=tagger.tags) if tagger else TagHeadRecord(),
    )
    write_card(folder, card)
    return card


def member_folders(folder: Path) -> list[Path]:
    """The folders of the members, in their order."""
    root = folder / MEMBERS_NAME
    if not root.is_dir():
        raise CorruptArtefact(f"{printable_path(root)}: missing. Combine the models again.")
    return sorted((p for p in root.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))


def load_combined(folder: Path, card: Card, members: Sequence[LoadedModel]) -> LoadedModel:
    """The model in a folder whose card was read and whose members were loaded."""
    path = folder / TENSORS_NAME
    if not path.is_file():
        raise CorruptArtefact(f"{printable_path(path)}: missing. Combine the models again.")
    fingerprint = files_fingerprint(card.config, card.source, [path])
    if fingerprint != card.fingerprint:
        raise FingerprintMismatch(
            printable_path(folder),
            found=short_fingerprint(fingerprint),
            expected=short_fingerprint(card.fingerprint),
            advice="Weights or settings were altered: combine the models again.",
        )
    expected = [str(digits) for digits in card.source.get("members", [])]
    present = [member.fingerprint for member in members]
    if present != expected:
        raise FingerprintMismatch(
            printable_path(folder / MEMBERS_NAME),
            found=", ".join(map(short_fingerprint, present)) or "none",
            expected=", ".join(map(short_fingerprint, expected)),
            advice="Another model was put there: combine the models again.",
        )
    try:
        tensors = safetensors.torch.load(path.read_bytes())
        standard = Standard(tensors["mean"], tensors["factor"], tensors.get("projection"))
    except (SafetensorError, KeyError) as error:
        where = printable_path(path)
        raise CorruptArtefact(f"{where}: not of a combined model: {error}") from error
    n_values = sum(member.embedding_size for member in members)
    if len(standard.mean) != n_values or standard.size != card.config.embedding_size:
        raise CorruptArtefact(f"{printable_path(path)}: does not fit the members")
    excerpts = card.config.excerpts
    front_end = CombinedFrontEnd(members, excerpts)
    network = CombinedNetwork(members, excerpts, standard).eval()
    return LoadedModel(folder, card, front_end, network, tags=card.tag_head.tags)


def _parts(licence: str) -> list[str]:
    return [part for part in licence.split("; ") if part]
