"""All heads of a model by label field, those of a combined model's parts included.

A combined vector holds the unit vectors of its parts side by side, each times a constant:

    combined = [w1·v1 | w2·v2 | …] / √(w1² + w2² + …)

So the head of a part answers on its slice of the vector. That needs parts of cosine geometry and a
combination without --sample: after standardising or projecting, the slices are no longer known.
"""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from embedder.models.array_geometry import projected
from embedder.models.card import Card, HeadCalibration, read_card
from embedder.models.heads import Head, read_heads
from embedder.models.loaded import OpenModel

TAG_FIELD = "tag"
"""The field of a head whose card names none."""


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """What `soundalike models show` prints about a head."""

    field: str
    kind: str
    """`softmax`: one of the labels; `sigmoid`: each tag by itself."""
    n_labels: int
    labels: tuple[str, ...]
    calibrated_on: int
    """Held-out tracks; 0: its probabilities are not calibrated."""
    temperature: float
    origin: str
    """`trained` with the network, or `fitted` to its vectors afterwards."""


def described_model(folder: Path) -> OpenModel:
    """A model by its card alone: enough for its heads, without loading its network."""
    card = read_card(folder)
    # Tags without a digest: the network itself names them.
    return OpenModel(folder, card, tags=() if card.tag_head.digest else card.tag_head.tags)


def heads_by_field(folder: Path, card: Card) -> dict[str, Head]:
    """The heads that answer on the vectors of a model, the label head first."""
    if card.kind == "combined":
        return _of_parts(folder, card)
    return {head.field or TAG_FIELD: head for head in read_heads(folder, card)}


def fields_of(model: OpenModel) -> dict[str, Head | None]:
    """The fields that a model can answer, labels first; None: its network itself names tags."""
    fields: dict[str, Head | None] = dict(heads_by_field(model.folder, model.card))
    if model.tags:
        fields[f"network-{TAG_FIELD}" if TAG_FIELD in fields else TAG_FIELD] = None
    return fields


def has_labels(folder: Path, card: Card) -> bool:
    """Whether a model can answer with labels by itself."""
    if card.label_head.labels or card.tag_head.tags:
        return True
    return card.kind == "combined" and bool(heads_by_field(folder, card))


def head_facts(model: OpenModel) -> tuple[HeadFacts, ...]:
    """What is known of each head of a model."""
    facts = []
    for field, head in fields_of(model).items():
        labels = model.tags if head is None else head.labels
        calibration = HeadCalibration() if head is None else head.calibration
        facts.append(
            HeadFacts(
                field=field,
                kind="sigmoid" if head is None else head.kind,
                n_labels=len(labels),
                labels=labels,
                calibrated_on=calibration.n_tracks,
                temperature=calibration.temperature,
                origin="trained" if head is None else head.origin,
            )
        )
    return tuple(facts)


def _of_parts(folder: Path, card: Card) -> dict[str, Head]:
    """The heads of the parts; fields that several parts have are named with their part."""
    from embedder.models.kinds.combined_file import member_folders

    folders = member_folders(folder)
    cards = [read_card(part) for part in folders]
    weights = _weights(card, cards)
    if not weights:
        return {}
    norm = sum(weight**2 for weight in weights) ** 0.5
    size = card.config.embedding_size
    start = 0
    heads: list[tuple[str, str, Head]] = []
    for place, part, weight in zip(folders, cards, weights, strict=True):
        for field, head in heads_by_field(place, part).items():
            on_slice = _on_slice(head, start=start, size=size, scale=norm / weight)
            heads.append((field, part.name, on_slice))
        start += part.config.embedding_size
    counts = Counter(field for field, _, _ in heads)
    return {
        field if counts[field] == 1 else f"{field} of {name}": head for field, name, head in heads
    }


def _weights(card: Card, parts: list[Card]) -> list[float]:
    """The weight of each part; none if the slices of the vector are not the parts' vectors."""
    facts: dict[str, Any] = card.facts
    is_plain = facts.get("sample", "none") == "none"
    if not is_plain or any(part.config.geometry != "cosine" for part in parts):
        return []
    weights = [float(weight) for weight in card.source.get("weights", [])]
    return weights if len(weights) == len(parts) else []


def _on_slice(head: Head, *, start: int, size: int, scale: float) -> Head:
    """A linear head for the whole vector that answers as `head` does on a slice of it."""
    weight = head.weight
    if head.proxy_geometry is not None:  # cosine: scale · (1 - distance) is a product with units
        weight = np.float32(head.proxy_scale) * projected(weight, "cosine")
    whole = np.zeros((len(weight), size), dtype=np.float32)
    whole[:, start : start + weight.shape[1]] = scale * weight
    no_bias = np.zeros(len(weight), dtype=np.float32)
    bias = head.bias if head.proxy_geometry is None else no_bias
    return replace(head, weight=whole, bias=bias, proxy_geometry=None, proxy_scale=1.0)
