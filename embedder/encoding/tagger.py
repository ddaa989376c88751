"""Name the tags of a track with a trained tagging head: probabilities, averaged over excerpts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import EncodingFailure, TrackEncoding, TrackRequest
from embedder.errors import UsageError
from embedder.models.heads import Head, no_tagging_head, read_tag_head
from embedder.models.own_heads import described_model, fields_of
from embedder.models.registry import find_model, list_models


@dataclass(frozen=True, slots=True)
class TagResult:
    """The likeliest tags of a track, likeliest first; the probabilities need not sum to 1."""

    path: Path
    tags: tuple[str, ...]
    probabilities: tuple[float, ...]


class TrackTagger:
    """A model with a tagging head, or with a network that gives tags itself (`head` is None)."""

    def __init__(self, encoder: TrackEncoder, head: Head | None) -> None:
        self.encoder = encoder
        self.head = head

    @classmethod
    def load(cls, name_or_path: str | Path, *, device: str = "auto") -> "TrackTagger":
        """A model by name or path; refuses one that was trained without tags."""
        encoder = TrackEncoder.load(name_or_path, device=device)
        if encoder.model.tags:
            return cls(encoder, None)
        return cls(encoder, read_tag_head(encoder.model.folder, encoder.model.card))

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags of the model."""
        return self.encoder.model.tags if self.head is None else self.head.labels

    def tag(
        self,
        path: Path | str,
        *,
        top: int = 5,
        start_seconds: float | None = None,
        seconds: float | None = None,
    ) -> TagResult:
        """One track, or a part of it; raises AudioError if it cannot be read."""
        _check_top(top)
        encoding = self.encoder.encode(path, start_seconds=start_seconds, seconds=seconds)
        return self._result(encoding, top)

    def tag_many(
        self,
        paths: Iterable[Path | str | TrackRequest],
        *,
        top: int = 5,
        workers: int | None = None,
    ) -> Iterator[TagResult | EncodingFailure]:
        """Each track's tags, or its failure, in input order."""
        _check_top(top)
        for encoding in self.encoder.encode_many(paths, workers=workers):
            if isinstance(encoding, EncodingFailure):
                yield encoding
            else:
                yield self._result(encoding, top)

    def _result(self, encoding: TrackEncoding, top: int) -> TagResult:
        if self.head is None:
            means = encoding.tag_probabilities
        else:
            means = self.head.track_probabilities(encoding.excerpt_vectors)
        positions = np.argsort(-means, kind="stable")[:top].tolist()
        return TagResult(
            path=encoding.path,
            tags=tuple(self.tags[position] for position in positions),
            probabilities=tuple(float(means[position]) for position in positions),
        )


def find_tagger(name: str = "") -> Path:
    """The folder of a model by name; without a name, the only model that has a tagging head."""
    if name:
        return find_model(name)
    taggers = [m for m in list_models() if m.card is not None and m.card.tag_head.tags]
    if len(taggers) == 1:
        return taggers[0].folder
    if not taggers:
        raise UsageError(
            "none of your models can name tags. Train one with an objective of kind 'tagging', "
            "or give --model and a model's folder."
        )
    names = ", ".join(model.name for model in taggers)
    raise UsageError(f"several models can name tags: {names}. Choose one with --model.")


def tag_field_of(folder: Path) -> str:
    """The field of a model's tagging head; refuses a model that cannot name tags, with advice."""
    model = described_model(folder)
    for field, head in fields_of(model).items():
        if head is None or head.kind == "sigmoid":
            return field
    raise no_tagging_head(model.name)


def _check_top(top: int) -> None:
    if top < 1:
        raise UsageError(f"top {top}: give at least 1")
