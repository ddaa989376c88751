"""The heads of a model: from vectors to a probability for each label, or for each tag.

A label head chooses one of its labels (softmax); a tag head decides each tag by itself (sigmoid).
Their tensors are beside the weights, in `label_head.safetensors` and `head.safetensors`; the card
has their names, calibration and digests. The model's fingerprint does not cover them, because
vectors are the same with and without a head.
"""

import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from embedder.errors import BadInput, CorruptArtefact, FingerprintMismatch, printable_path
from embedder.models.array_geometry import ArrayGeometry, distances
from embedder.models.card import (
    Card,
    HeadCalibration,
    HeadOrigin,
    LabelHeadRecord,
    TagHeadRecord,
    write_card,
)
from embedder.models.fingerprint import short_fingerprint
from embedder.whole_files import write_whole

HEAD_NAME, LABEL_HEAD_NAME = "head.safetensors", "label_head.safetensors"
HEAD_NAMES = (HEAD_NAME, LABEL_HEAD_NAME)
HeadKind = Literal["softmax", "sigmoid"]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Head:
    """weight: float32 [labels, size]; bias: float32 [labels]; a name for each label.

    Linear, or by nearness: with a `proxy_geometry`, the rows of `weight` are points on it, and the
    logit of a label is `proxy_scale` times one minus the distance to its point.
    """

    weight: Floats
    bias: Floats
    labels: tuple[str, ...]
    kind: HeadKind = "sigmoid"
    field: str = ""
    """The label field, such as genre; empty in models of earlier versions."""
    calibration: HeadCalibration = dataclasses.field(default_factory=HeadCalibration)
    origin: HeadOrigin = "trained"
    proxy_geometry: ArrayGeometry | None = None
    proxy_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or not len(self.labels) == len(self.weight) == len(self.bias):
            raise ValueError(
                f"{len(self.labels)} labels, weight {list(self.weight.shape)}, "
                f"bias {list(self.bias.shape)}"
            )

    def logits(self, vectors: Floats) -> Floats:
        """Vectors float32 [n, size] to logits [n, labels], before calibration."""
        if self.proxy_geometry is not None:
            far = distances(vectors, self.weight, self.proxy_geometry)
            return np.float32(self.proxy_scale) * (1 - far)
        return vectors @ self.weight.T + self.bias

    def probabilities(self, vectors: Floats, *, temperature: float = 1.0) -> Floats:
        """Vectors float32 [n, size] to probabilities [n, labels], before calibration by default."""
        return as_probabilities(self.logits(vectors), self.kind, temperature)

    def track_probabilities(self, excerpt_vectors: Floats) -> Floats:
        """The calibrated mean over the excerpts of a track: [excerpts, size] to [labels]."""
        is_one = len(excerpt_vectors) == 1
        calibration = self.calibration
        temperature = calibration.excerpt_temperature if is_one else calibration.temperature
        mean: Floats = self.probabilities(excerpt_vectors, temperature=temperature).mean(axis=0)
        return mean


@dataclass(frozen=True, slots=True)
class Heads:
    """The heads of a model, None for one that it does not have."""

    labels: Head | None = None
    tags: Head | None = None

    def __iter__(self) -> Iterator[Head]:
        """Those that the model has, the label head first."""
        return (head for head in (self.labels, self.tags) if head is not None)


def as_probabilities(logits: Floats, kind: HeadKind, temperature: float) -> Floats:
    """Logits [n, labels] to probabilities."""
    scaled = logits / np.float32(temperature)
    if kind == "sigmoid":
        with np.errstate(over="ignore"):  # exp of a large number is infinite, and the result is 0
            sigmoid: Floats = 1 / (1 + np.exp(-scaled))
        return sigmoid
    odds = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    softmax: Floats = odds / odds.sum(axis=1, keepdims=True)
    return softmax


def write_tag_head(folder: Path, head: Head) -> TagHeadRecord:
    """Write the file of a tag head and return its record for the card."""
    digest = _write(folder / HEAD_NAME, head)
    return TagHeadRecord(head.labels, digest, head.field, head.calibration, head.origin)


def write_label_head(folder: Path, head: Head) -> LabelHeadRecord:
    """Write the file of a label head and return its record for the card."""
    digest = _write(folder / LABEL_HEAD_NAME, head)
    is_linear = head.proxy_geometry is None
    return LabelHeadRecord(
        head.labels,
        digest,
        head.field,
        head.calibration,
        head.origin,
        "linear" if is_linear else "proxies",
        head.proxy_scale,
    )


def remove_heads(folder: Path) -> None:
    """Delete the files of an older model's heads."""
    for name in HEAD_NAMES:
        (folder / name).unlink(missing_ok=True)


def records_of(folder: Path, heads: Heads) -> tuple[TagHeadRecord, LabelHeadRecord]:
    """Write the files of both heads and return their records; of a missing head, an empty one."""
    tag_record = write_tag_head(folder, heads.tags) if heads.tags else TagHeadRecord()
    label_record = write_label_head(folder, heads.labels) if heads.labels else LabelHeadRecord()
    return tag_record, label_record


def attach_heads(folder: Path, card: Card, heads: Heads) -> Card:
    """Put other heads into a saved model; the card is written last."""
    tag_record, label_record = records_of(folder, heads)
    card = dataclasses.replace(card, tag_head=tag_record, label_head=label_record)
    write_card(folder, card)
    return card


def read_tag_head(folder: Path, card: Card) -> Head:
    """The tag head in a model's folder; refuses a model without one."""
    head = read_heads(folder, card).tags
    if head is None:
        raise no_tagging_head(card.name)
    return head


def no_tagging_head(name: str) -> BadInput:
    """The error for a model that cannot name tags."""
    return BadInput(
        f"{name}: this model has no tagging head, so it cannot name tags. Train one with an "
        "objective of kind 'tagging', or let neighbours vote: soundalike label."
    )


def read_heads(folder: Path, card: Card) -> Heads:
    """The heads in a model's folder; refuses files that do not fit the card."""
    tags, labels = card.tag_head, card.label_head
    tag_head = label_head = None
    if tags.tags and tags.digest:  # without a digest the network itself names tags
        weight, bias = _read(folder / HEAD_NAME, tags.digest)
        tag_head = _checked(folder / HEAD_NAME, card, weight, bias, tags.tags)
        tag_head = dataclasses.replace(
            tag_head, field=tags.field, calibration=tags.calibration, origin=tags.origin
        )
    if labels.labels:
        weight, bias = _read(folder / LABEL_HEAD_NAME, labels.digest)
        label_head = _checked(folder / LABEL_HEAD_NAME, card, weight, bias, labels.labels)
        config = card.config
        geometry = ArrayGeometry(config.geometry, config.curvature)
        label_head = dataclasses.replace(
            label_head,
            kind="softmax",
            field=labels.field,
            calibration=labels.calibration,
            origin=labels.origin,
            proxy_geometry=geometry if labels.form == "proxies" else None,
            proxy_scale=labels.proxy_scale,
        )
    return Heads(label_head, tag_head)


def _write(path: Path, head: Head) -> str:
    arrays = {"weight": head.weight, "bias": head.bias}
    data = safetensors.numpy.save(
        {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}
    )
    write_whole(path, data)
    return hashlib.sha256(data).hexdigest()


def _read(path: Path, expected_digest: str) -> tuple[Floats, Floats]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptArtefact(
            f"{printable_path(path)}: {error.strerror or error}. Copy the model again."
        ) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != expected_digest:
        raise FingerprintMismatch(
            printable_path(path),
            found=short_fingerprint(digest),
            expected=short_fingerprint(expected_digest),
            advice="The head was altered: copy the model again.",
        )
    try:
        tensors = safetensors.numpy.load(data)
        return tensors["weight"], tensors["bias"]
    except (SafetensorError, KeyError) as error:
        raise CorruptArtefact(f"{printable_path(path)}: not a {_what(path)}: {error}") from error


def _what(path: Path) -> str:
    return "label head" if path.name == LABEL_HEAD_NAME else "tagging head"


def _checked(path: Path, card: Card, weight: Floats, bias: Floats, labels: tuple[str, ...]) -> Head:
    try:
        head = Head(weight, bias, labels)
    except ValueError as error:
        raise CorruptArtefact(f"{printable_path(path)}: not a {_what(path)}: {error}") from error
    if weight.shape[1] != card.config.embedding_size:
        raise CorruptArtefact(
            f"{printable_path(path)}: made for vectors of {weight.shape[1]}, and the model's "
            f"have {card.config.embedding_size}"
        )
    return head
