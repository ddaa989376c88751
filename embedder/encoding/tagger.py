"""What a trained tagging head hears in a track: tags with probabilities, excerpts averaged."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import EncodingFailure, TrackEncoding, TrackRequest
from embedder.errors import UsageError
from embedder.models.registry import find_model, list_models
from embedder.models.tag_head import TagHead, read_tag_head


@dataclass(frozen=True, slots=True)
class TagResult:
    """The likeliest tags of a track, the likeliest first; each probability is by itself."""

    path: Path
    tags: tuple[str, ...]
    probabilities: tuple[float, ...]


class TrackTagger:
    """A model with a tagging head."""

    def __init__(self, encoder: TrackEncoder, head: TagHead) -> None:
        self.encoder = encoder
        self.head = head

    @classmethod
    def load(cls, name_or_path: str | Path, *, device: str = "auto") -> "TrackTagger":
        """A model by name or path; refuses one that was trained without tags."""
        encoder = TrackEncoder.load(name_or_path, device=device)
        return cls(encoder, read_tag_head(encoder.model.folder, encoder.model.card))

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags that it knows."""
        return self.head.tags

    def tag(
        self,
        path: Path | str,
        *,
        top: int = 5,
        start_seconds: float | None = None,
        seconds: float | None = None,
    ) -> TagResult:
        """One track, or a stretch of it; raises AudioError where it cannot be heard."""
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
        """Each track's tags, or why it has none, in the order of the input."""
        _check_top(top)
        for encoding in self.encoder.encode_many(paths, workers=workers):
            if isinstance(encoding, EncodingFailure):
                yield encoding
            else:
                yield self._result(encoding, top)

    def _result(self, encoding: TrackEncoding, top: int) -> TagResult:
        means = self.head.probabilities(encoding.excerpt_vectors).mean(axis=0)
        best = np.argsort(-means, kind="stable")[:top].tolist()
        return TagResult(
            path=encoding.path,
            tags=tuple(self.head.tags[at] for at in best),
            probabilities=tuple(float(means[at]) for at in best),
        )


def find_tagger(name: str = "") -> Path:
    """The folder of the model of that name; without one, the only model that has a tagging head."""
    if name:
        return find_model(name)
    tagging = [m for m in list_models() if m.card is not None and m.card.tag_head.tags]
    if len(tagging) == 1:
        return tagging[0].folder
    found = (
        f"several models can: {', '.join(model.name for model in tagging)}"
        if tagging
        else "none of your models can: train one with an objective of kind 'tagging'"
    )
    raise UsageError(f"which model is to name the tags? Give --model and a name or folder; {found}")


def _check_top(top: int) -> None:
    if top < 1:
        raise UsageError(f"top {top}: give at least 1")
