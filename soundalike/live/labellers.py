"""What gives a window its probabilities: a model's own head, or a vote of the library's tracks."""

from pathlib import Path
from typing import Protocol

import numpy as np

from embedder.audio.resampling import resampled
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import TrackEncoding
from index.catalogue.records import TrackRecord
from index.labels.request import VoteSettings
from index.labels.voting import Voting
from index.library import Library
from index.search.request import SearchRequest
from index.search.results import Neighbour
from soundalike.live.ring import Floats
from soundalike.live.smoothing import Values


class Labeller(Protocol):
    """Names a window's sound."""

    field: str
    labels: tuple[str, ...]
    has_several: bool
    """Whether each label is decided by itself, as tags are."""
    encoder: TrackEncoder

    def probabilities(self, encoding: TrackEncoding) -> Values:
        """The probability of each label, in their order: [labels]."""
        ...


class HeadLabeller:
    """The labels that a model was trained on."""

    def __init__(self, model: str | Path, *, field: str = "", device: str = "auto") -> None:
        from embedder.encoding.classifier import (
            TrackClassifier,
        )

        self._classifier = TrackClassifier.load(model, field=field, device=device)
        self.encoder = self._classifier.encoder
        self.field = self._classifier.field
        self.labels = self._classifier.labels
        self.has_several = self._classifier.kind == "sigmoid"
        self.is_calibrated = self._classifier.calibration.n_tracks > 0

    def probabilities(self, encoding: TrackEncoding) -> Values:
        """The head's answer: [labels]."""
        chances = self._classifier.of_encoding(encoding).probabilities
        return np.array([chances[label] for label in self.labels])


class VoteLabeller:
    """The labels of a field of the library, by a vote of the nearest tracks."""

    def __init__(self, library: Library, *, field: str, window_seconds: float) -> None:
        self._voting = Voting(library, VoteSettings(field=field))
        self._seconds = window_seconds
        self.field = field
        self.labels = tuple(self._voting.table.labels)
        self.has_several = self._voting.table.is_multi
        self.encoder = library.encoder
        self._voting.calibration(window_seconds)  # takes a moment, and the sound has not begun

    def probabilities(self, encoding: TrackEncoding) -> Values:
        """The vote: [labels]."""
        nobody = TrackRecord(id=0, path="")
        (vote,) = self._voting.label([nobody], encoding.vector[None], seconds=self._seconds)
        return np.array([vote.probabilities[label] for label in self.labels])


class NearestTracks:
    """The tracks of a library that sound most like a window."""

    def __init__(self, library: Library, *, k: int) -> None:
        self._library = library
        self._request = SearchRequest(("window",), k=k)
        self.encoder = library.encoder

    def encode(self, samples: Floats, sample_rate: int, *, name: str) -> TrackEncoding:
        """The window by the library's own model, which may take another rate: float32 [samples]."""
        rate = self.encoder.model.sample_rate or sample_rate
        converted = resampled(samples, from_rate=sample_rate, to_rate=rate)
        return self.encoder.encode_waveform(converted, rate, name=name)

    def neighbours(self, encoding: TrackEncoding) -> tuple[Neighbour, ...]:
        """The k nearest, nearest first."""
        candidates = self._library.searcher.nearest(encoding.vector, self._request)
        return tuple(
            Neighbour(candidate.track, position + 1, candidate.score, candidate.distance)
            for position, candidate in enumerate(candidates)
        )
