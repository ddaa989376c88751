"""The linear layer from vectors to probabilities of tags, and its file beside a model.

`head.safetensors` has weight and bias; the card has the tags and the file's digest. The model's
fingerprint does not cover it, because vectors are the same with and without a head.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor

from embedder.errors import BadInput, CorruptArtefact, FingerprintMismatch, printable_path
from embedder.models.card import Card, TagHeadRecord
from embedder.models.fingerprint import short_fingerprint
from embedder.whole_files import write_whole

HEAD_NAME = "head.safetensors"


@dataclass(frozen=True, slots=True)
class TagHead:
    """weight: float32 [tags, size]; bias: float32 [tags]; a name for each tag."""

    weight: Tensor
    bias: Tensor
    tags: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or not len(self.tags) == len(self.weight) == len(self.bias):
            raise ValueError(
                f"{len(self.tags)} tags, weight {list(self.weight.shape)}, "
                f"bias {list(self.bias.shape)}"
            )

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors float32 [n, size] to probabilities [n, tags]; a row need not sum to 1."""
        with torch.inference_mode():
            logits = torch.from_numpy(vectors) @ self.weight.T + self.bias
            probabilities: NDArray[np.float32] = torch.sigmoid(logits).numpy()
        return probabilities


def write_tag_head(folder: Path, head: TagHead) -> TagHeadRecord:
    """Write the file and return its record for the card."""
    tensors = {"weight": head.weight, "bias": head.bias}
    data = safetensors.save({n: t.detach().cpu().float().contiguous() for n, t in tensors.items()})
    write_whole(folder / HEAD_NAME, data)
    return TagHeadRecord(tags=head.tags, digest=hashlib.sha256(data).hexdigest())


def read_tag_head(folder: Path, card: Card) -> TagHead:
    """The head in a model's folder; refuses a file that does not fit the card."""
    record = card.tag_head
    if not record.tags:
        raise BadInput(
            f"{card.name}: this model has no tagging head, so it cannot name tags. Train one with "
            "an objective of kind 'tagging', or let neighbours vote: soundalike label."
        )
    path = folder / HEAD_NAME
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptArtefact(
            f"{printable_path(path)}: {error.strerror or error}. Copy the model again."
        ) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != record.digest:
        raise FingerprintMismatch(
            printable_path(path),
            found=short_fingerprint(digest),
            expected=short_fingerprint(record.digest),
            advice="The tagging head was altered: copy the model again.",
        )
    try:
        tensors = safetensors.load(data)
        head = TagHead(tensors["weight"], tensors["bias"], record.tags)
    except (SafetensorError, KeyError, ValueError) as error:
        raise CorruptArtefact(f"{printable_path(path)}: not a tagging head: {error}") from error
    if head.weight.shape[1] != card.config.embedding_size:
        raise CorruptArtefact(
            f"{printable_path(path)}: made for vectors of {head.weight.shape[1]}, and the model's "
            f"have {card.config.embedding_size}"
        )
    return head
