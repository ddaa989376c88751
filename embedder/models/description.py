"""Describe a model: its settings, layers, cost and scores."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from embedder.config.loading import to_dict
from embedder.models.card import Card, read_card
from embedder.models.kinds.combined_file import member_folders
from embedder.models.loaded import LoadedModel
from embedder.models.own_heads import HeadFacts, head_facts
from embedder.models.registry import ListedModel, load_model
from embedder.networks.profile import LayerProfile, profile_network


@dataclass(frozen=True, slots=True)
class PartFacts:
    """An encoder of a combined model."""

    part: str
    kind: str
    fingerprint: str
    embedding_size: int
    weight: float
    excerpts: str


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What `soundalike models show` prints."""

    name: str
    kind: str
    fingerprint: str
    description: str
    licence: str
    path: str
    front_end: dict[str, Any]
    excerpts: dict[str, Any]
    backbone: dict[str, Any] | None
    """None for imported models."""
    beside: tuple[dict[str, Any], ...]
    """Further backbones that the same projection reads."""
    embedding_size: int
    geometry: str
    n_parameters: int | None
    """None: the file does not say."""
    multiply_adds: int | None
    """For one excerpt."""
    bytes_on_disk: int
    scores: dict[str, Any]
    facts: dict[str, Any]
    source: dict[str, Any]
    made_by: str
    layers: tuple[LayerProfile, ...]
    parts: tuple[PartFacts, ...] = ()
    """The encoders of a combined model."""
    heads: tuple[HeadFacts, ...] = ()
    """What it answers by itself, by `soundalike classify`."""


def describe_model(name_or_path: str | Path) -> ModelDescription:
    """Load a model, which also checks it, and describe it."""
    model = load_model(name_or_path)
    card, config = model.card, model.config
    profile = profile_network(config) if model.kind == "network" else None
    return ModelDescription(
        name=card.name,
        kind=card.kind,
        fingerprint=card.fingerprint,
        description=card.description,
        licence=card.licence,
        path=str(model.folder),
        front_end=to_dict(config.front_end),
        excerpts=to_dict(config.excerpts),
        backbone=to_dict(config.backbone) if profile else None,
        beside=tuple(to_dict(backbone) for backbone in config.beside) if profile else (),
        embedding_size=config.embedding_size,
        geometry=config.geometry,
        n_parameters=profile.n_parameters if profile else _n_parameters(model),
        multiply_adds=profile.multiply_adds if profile else None,
        bytes_on_disk=bytes_on_disk(model.folder),
        scores=card.scores,
        facts=card.facts,
        source=card.source,
        made_by=card.made_by,
        layers=profile.layers if profile else (),
        parts=part_facts(model.folder, card),
        heads=head_facts(model),
    )


def part_facts(folder: Path, card: Card) -> tuple[PartFacts, ...]:
    """The parts of a combined model, in their order; none for other models."""
    if card.kind != "combined":
        return ()
    facts = []
    folders = member_folders(folder)
    weights = card.source.get("weights") or [1.0] * len(folders)
    for path, weight in zip(folders, weights, strict=True):
        part = read_card(path)
        shape = part.config.excerpts
        facts.append(
            PartFacts(
                part=part.name,
                kind=part.kind,
                fingerprint=part.fingerprint,
                embedding_size=part.config.embedding_size,
                weight=weight,
                excerpts=f"{shape.n_excerpts} of {shape.excerpt_seconds:.3g} s ({shape.placement})",
            )
        )
    return tuple(facts)


def list_row(listed: ListedModel) -> dict[str, Any]:
    """A row of `soundalike models list`."""
    card = listed.card
    return {
        "name": listed.name,
        "kind": card.kind if card else "broken",
        "fingerprint": card.fingerprint if card else "",
        "embedding_size": card.config.embedding_size if card else None,
        "bytes_on_disk": bytes_on_disk(listed.folder),
        "licence": card.licence if card else "",
        "place": listed.place,
        "problem": listed.problem,
        "path": str(listed.folder),
    }


def bytes_on_disk(folder: Path) -> int:
    """The size of a model's folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _n_parameters(model: LoadedModel) -> int | None:
    if not isinstance(model.network, nn.Module):
        return None
    return sum(parameter.numel() for parameter in model.network.parameters()) or None
