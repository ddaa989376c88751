"""Classify tracks by a model's own head: a probability for each of its labels or tags.

A head needs no library: the labels are those that the model was trained on.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import EncodingFailure, TrackEncoding, TrackRequest
from embedder.errors import BadInput, UnknownChoice
from embedder.models.card import HeadCalibration
from embedder.models.heads import Head, HeadKind
from embedder.models.loaded import OpenModel
from embedder.models.own_heads import described_model, fields_of
from embedder.models.registry import find_model


@dataclass(frozen=True, slots=True)
class Classification:
    """The probability of each label, the most probable first; those of tags need not sum to 1."""

    path: Path
    field: str
    kind: HeadKind
    probabilities: dict[str, float]

    @property
    def label(self) -> str:
        """The most probable label."""
        return next(iter(self.probabilities))

    @property
    def probability(self) -> float:
        """The probability of the most probable label."""
        return next(iter(self.probabilities.values()))


class TrackClassifier:
    """A model that answers with labels by itself: `TrackClassifier.load("runs/mine")`.

    A model may have two heads, one for labels and one for tags. `field` chooses one; by default it
    is the one for labels.
    """

    def __init__(self, encoder: TrackEncoder, *, field: str = "") -> None:
        self._use(encoder.model, lambda: encoder, field)

    @classmethod
    def load(
        cls, name_or_path: str | Path, *, field: str = "", device: str = "auto"
    ) -> "TrackClassifier":
        """A model by name or path; refuses one without a head, with advice.

        Its network is loaded when the first file is analysed.
        """
        folder = find_model(name_or_path)
        classifier = cls.__new__(cls)
        classifier._use(
            described_model(folder), lambda: TrackEncoder.load(folder, device=device), field
        )
        return classifier

    def _use(self, model: OpenModel, load: Callable[[], TrackEncoder], field: str) -> None:
        self.model = model
        self.field, self.kind, self.labels, self._head = _chosen(model, field)
        self._load = load

    @cached_property
    def encoder(self) -> TrackEncoder:
        """What analyses files."""
        return self._load()

    @property
    def answers_from_vectors(self) -> bool:
        """Whether vectors are enough; if not, the network itself gives the tags of a file."""
        return self._head is not None

    @property
    def calibration(self) -> HeadCalibration:
        """How its probabilities were calibrated; with 0 tracks they are not."""
        return HeadCalibration() if self._head is None else self._head.calibration

    @property
    def origin(self) -> str:
        """`trained` with the network, or `fitted` to its vectors afterwards."""
        return "trained" if self._head is None else self._head.origin

    def classify(
        self, path: Path | str, *, start_seconds: float | None = None, seconds: float | None = None
    ) -> Classification:
        """One track, or a part of it; raises AudioError if it cannot be read."""
        encoding = self.encoder.encode(path, start_seconds=start_seconds, seconds=seconds)
        return self.of_encoding(encoding)

    def classify_many(
        self, paths: Iterable[Path | str | TrackRequest], *, workers: int | None = None
    ) -> Iterator[Classification | EncodingFailure]:
        """Each track, or its failure, in input order."""
        for encoding in self.encoder.encode_many(paths, workers=workers):
            if isinstance(encoding, EncodingFailure):
                yield encoding
            else:
                yield self.of_encoding(encoding)

    def of_encoding(self, encoding: TrackEncoding) -> Classification:
        """A track that its encoder has encoded already."""
        if self._head is None:
            return self._sorted(encoding.path, encoding.tag_probabilities)
        return self.of_excerpts(encoding.path, encoding.excerpt_vectors)

    def of_excerpts(self, path: Path, excerpt_vectors: NDArray[np.float32]) -> Classification:
        """A track by the vectors of its excerpts, [excerpts, size], if they are enough."""
        assert self._head is not None  # noqa: S101 - see `answers_from_vectors`
        return self._sorted(path, self._head.track_probabilities(excerpt_vectors))

    def _sorted(self, path: Path, probabilities: NDArray[np.float32]) -> Classification:
        order = np.argsort(-probabilities, kind="stable").tolist()
        by_label = {self.labels[place]: float(probabilities[place]) for place in order}
        return Classification(path, self.field, self.kind, by_label)


def _chosen(model: OpenModel, field: str) -> tuple[str, HeadKind, tuple[str, ...], Head | None]:
    fields = fields_of(model)
    if not fields:
        raise BadInput(
            f"{model.name}: this model has no labels of its own. Train one on your labels "
            "('soundalike train DATASET', or with --from and --fit in seconds), or let neighbours "
            "in your library vote: 'soundalike label'."
        )
    name = field or next(iter(fields))
    if name not in fields:
        raise UnknownChoice(f"label field of {model.name}", name, fields)
    head = fields[name]
    if head is None:
        return name, "sigmoid", model.tags, None
    return name, head.kind, head.labels, head
