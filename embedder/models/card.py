"""The card of a model: `card.json`, which people and programs read.

It is in the model's folder beside the weights and is written last: a folder with a card is
complete. Reading refuses a card that a newer version wrote, or that lacks a field.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from embedder.config.loading import from_dict, to_dict
from embedder.config.model import ModelConfig
from embedder.errors import ConfigError, CorruptArtefact, UnsupportedFormat, printable_path
from embedder.whole_files import write_whole

CARD_NAME = "card.json"
FORMAT = 1
ModelKind = Literal["network", "onnx", "huggingface", "projection", "musicnn", "combined"]
HeadForm = Literal["linear", "proxies"]
HeadOrigin = Literal["trained", "fitted"]
"""Trained with the network, or fitted to its vectors afterwards."""


def _made_by() -> str:
    try:
        return f"soundalike {metadata.version('soundalike')}"
    except metadata.PackageNotFoundError:  # run from a checkout
        return "soundalike"


@dataclass(frozen=True, slots=True)
class HeadCalibration:
    """Temperatures that divide the logits, so that probabilities are right as often as they say.

    They are fitted on held-out tracks. With 0 tracks the head is not calibrated.
    """

    temperature: float = 1.0
    """For several excerpts, whose probabilities are averaged."""
    excerpt_temperature: float = 1.0
    """For a single excerpt."""
    n_tracks: int = 0


@dataclass(frozen=True, slots=True)
class TagHeadRecord:
    """The tagging head beside the weights; no tags: there is no head.

    Tags without a digest: the network itself gives the probabilities (`LoadedModel.tags`).
    """

    tags: tuple[str, ...] = ()
    digest: str = ""
    field: str = ""
    calibration: HeadCalibration = default(default_factory=HeadCalibration)
    origin: HeadOrigin = "trained"


@dataclass(frozen=True, slots=True)
class LabelHeadRecord:
    """The label head beside the weights; no labels: there is no head."""

    labels: tuple[str, ...] = ()
    digest: str = ""
    field: str = ""
    calibration: HeadCalibration = default(default_factory=HeadCalibration)
    origin: HeadOrigin = "trained"
    form: HeadForm = "linear"
    """`proxies`: the logits are similarities to a point for each label."""
    proxy_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Card:
    """A model's kind, settings, origin and scores."""

    name: str
    fingerprint: str
    config: ModelConfig
    kind: ModelKind = "network"
    format: int = FORMAT
    made_by: str = default(default_factory=_made_by)
    licence: str = ""
    description: str = ""
    source: dict[str, Any] = default(default_factory=dict)
    """Imported models: the input and output of the file."""
    scores: dict[str, Any] = default(default_factory=dict)
    """Scores with their protocols."""
    facts: dict[str, Any] = default(default_factory=dict)
    """How it was trained: data and split digests, seed, steps, versions, device."""
    tag_head: TagHeadRecord = default(default_factory=TagHeadRecord)
    label_head: LabelHeadRecord = default(default_factory=LabelHeadRecord)


CALIBRATION_KEY = "calibration"
"""The key in `Card.facts` of the curve from distance to probability."""


def write_card(folder: Path, card: Card) -> None:
    """Write `card.json`; the weights must be there already."""
    text = json.dumps(to_dict(card), indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(folder / CARD_NAME, (text + "\n").encode())


def read_card(folder: Path) -> Card:
    """The card in a model's folder; refuses broken cards and those of newer versions."""
    path = folder / CARD_NAME
    content = _read_json(path)
    version = content.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise UnsupportedFormat(
            f"{printable_path(path)}: format {version}, and this soundalike reads up to {FORMAT}. "
            "Install a newer soundalike."
        )
    if not isinstance(version, int) or version < 1:
        raise CorruptArtefact(f"{printable_path(path)}: format {version!r}, expected {FORMAT}")
    for key in ("name", "fingerprint", "config"):
        if key not in content:
            raise CorruptArtefact(f"{printable_path(path)}: {key!r} is missing")
    try:
        card = from_dict(Card, content, where=printable_path(path))
    except ConfigError as error:
        raise CorruptArtefact(str(error)) from error
    if not re.fullmatch("[0-9a-f]{64}", card.fingerprint):
        raise CorruptArtefact(
            f"{printable_path(path)}: fingerprint {card.fingerprint!r}, expected 64 hex digits"
        )
    return card


def with_facts(card: Card, facts: Mapping[str, Any]) -> Card:
    """The card with more facts; the fingerprint does not cover them."""
    return dataclasses.replace(card, facts={**card.facts, **facts})


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CorruptArtefact(
            f"{printable_path(path.parent)}: it has no {CARD_NAME}, so it is not a model, or "
            "writing it was interrupted"
        ) from error
    except OSError as error:
        raise CorruptArtefact(f"{printable_path(path)}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # neither UTF-8 nor JSON, or nested too deeply
        raise CorruptArtefact(
            f"{printable_path(path)}: not JSON: {error}. Copy the model again."
        ) from error
    if not isinstance(content, dict):
        raise CorruptArtefact(f"{printable_path(path)}: not a card: expected a JSON object")
    return content
