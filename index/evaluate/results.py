"""The results of an evaluation. JSON field names are stable: added to, never renamed."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.metrics.bootstrap import Interval
from embedder.metrics.calibration import Reliability

Json = dict[str, Any]
AtK = dict[int, float]


@dataclass(frozen=True, slots=True)
class LabelScores:
    """Precision, recall and F1 of one label in the neighbours' vote."""

    label: str
    n_tracks: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True, eq=False)
class ModelScores:
    """One model's figures on one data set; None for a figure that does not apply."""

    name: str
    kind: str
    fingerprint: str
    geometry: str
    n_queries: int
    accuracy: Interval
    leaky_accuracy: float
    at_k: dict[str, AtK]
    mean_average_precision: Interval
    macro_f1: float | None
    label_names: tuple[str, ...]
    confusion: NDArray[np.int64] | None
    per_label: tuple[LabelScores, ...]
    hubness: Json
    same_artist: Json | None
    probe: Json | None
    tagging: Json | None
    calibration: Json | None
    reliability: Reliability | None
    map_quality: dict[str, float]
    correct: NDArray[np.float64] = field(repr=False)
    """[tracks], 1 or 0, NaN for tracks that are no query; comparisons pair these values."""
    artist_hits: NDArray[np.float64] = field(repr=False)
    """[tracks], whether the own artist is among the ten nearest; NaN for an artist's only track."""
    n_without_vote: int = 0
    """Query tracks without any reference track."""
    n_without_match: int = 0
    """Query tracks with a label that none of their reference tracks has."""
    n_failed: int = 0
    accuracies_by_seed: tuple[float, ...] = ()
    score_errors: Json | None = None
    """Whether the scores of neighbours come true."""
    head: Json | None = None
    """Figures of the model's own head, if it has one for this field."""

    @property
    def gap(self) -> float:
        """By how much the leaky protocol raises the accuracy."""
        return self.leaky_accuracy - self.accuracy.mean

    def to_json(self) -> Json:
        """All figures, without the values of single tracks."""
        document = {
            "model": {
                "name": self.name,
                "kind": self.kind,
                "fingerprint": self.fingerprint,
                "geometry": self.geometry,
            },
            "n_queries": self.n_queries,
            "accuracy": self.accuracy.mean,
            "accuracy_ci95": [self.accuracy.low, self.accuracy.high],
            "leaky_accuracy": self.leaky_accuracy,
            "leak_gap": self.gap,
            **{f"{name}_at_k": _by_place(values) for name, values in self.at_k.items()},
            "map": self.mean_average_precision.mean,
            "map_ci95": [
                self.mean_average_precision.low,
                self.mean_average_precision.high,
            ],
            "macro_f1": self.macro_f1,
            "labels": list(self.label_names),
            "confusion": None if self.confusion is None else self.confusion.tolist(),
            "per_label": [
                {
                    "label": scores.label,
                    "n_tracks": scores.n_tracks,
                    "precision": scores.precision,
                    "recall": scores.recall,
                    "f1": scores.f1,
                }
                for scores in self.per_label
            ],
            "hubness": self.hubness["skewness"],
            "hubness_details": self.hubness,
            "same_artist": self.same_artist,
            "probe": self.probe,
            "tagging": self.tagging,
            "head": self.head,
            "calibration": self.calibration,
            "score_errors": self.score_errors,
            "map_quality": self.map_quality or None,
            "n_without_vote": self.n_without_vote,
            "n_without_match": self.n_without_match,
            "n_failed": self.n_failed,
            "accuracies_by_seed": list(self.accuracies_by_seed),
        }
        return _plain(document)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first model minus another one on the same tracks; above zero the first is better."""

    name: str
    other: str
    difference: Interval
    """Of the accuracy of the vote."""
    same_artist: Interval | None = None
    """Of the same-artist hit rate; None if no artist has two tracks."""

    def to_json(self) -> Json:
        """`is_clear`: the interval does not contain zero."""
        document = {
            "model": self.name,
            "other": self.other,
            "accuracy_difference": self.difference.mean,
            "difference_ci95": [self.difference.low, self.difference.high],
            "is_clear": is_clear(self.difference),
        }
        if self.same_artist is not None:
            document |= {
                "same_artist_difference": self.same_artist.mean,
                "same_artist_difference_ci95": [self.same_artist.low, self.same_artist.high],
                "same_artist_is_clear": is_clear(self.same_artist),
            }
        return _plain(document)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All models' figures under one protocol. In JSON the first model's are at the top level."""

    protocol: Json
    models: tuple[ModelScores, ...]
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    failed: tuple[Json, ...] = ()
    """Tracks that could not be measured: path and reason."""
    left_out: tuple[Json, ...] = ()
    """Files of the data set that could not be used as tracks: path and reason."""

    def to_json(self) -> Json:
        """The protocol, the first model's figures, and with several models all of theirs."""
        document = {"protocol": self.protocol, **self.models[0].to_json()}
        if len(self.models) > 1:
            document["models"] = [model.to_json() for model in self.models]
            document["comparisons"] = [comparison.to_json() for comparison in self.comparisons]
        return document | {
            "notes": list(self.notes),
            "failed": list(self.failed),
            "left_out": list(self.left_out),
        }


def is_clear(difference: Interval) -> bool:
    """Whether the interval does not contain zero."""
    return difference.low > 0 or difference.high < 0


def _plain(document: Json) -> Json:
    """The document with None for NaN and infinity, which JSON does not have."""
    return {name: _plain_value(value) for name, value in document.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list):
        return [_plain_value(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _by_place(values: AtK) -> dict[str, float]:
    return {str(k): value for k, value in values.items()}
