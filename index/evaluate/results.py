"""What an evaluation answers. Names in JSON are fixed: added to, never renamed."""

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
    """How one label fared in the neighbours' vote."""

    label: str
    n_tracks: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True, eq=False)
class ModelScores:
    """One model's figures on one set; None where a figure has no meaning there."""

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
    """[tracks], NaN for those who were not asked: what comparisons pair."""
    artist_hits: NDArray[np.float64] = field(repr=False)
    """[tracks], whether its own artist is among the ten nearest; NaN for those alone, too."""
    n_without_vote: int = 0
    """Queries whom nobody may answer."""
    n_without_match: int = 0
    """Queries with a label that none of those has who may answer them."""
    n_failed: int = 0
    accuracies_by_seed: tuple[float, ...] = ()

    @property
    def gap(self) -> float:
        """What leaking would have made of the accuracy."""
        return self.leaky_accuracy - self.accuracy.mean

    def to_json(self) -> Json:
        """All but the values of single tracks."""
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
                    "label": one.label,
                    "n_tracks": one.n_tracks,
                    "precision": one.precision,
                    "recall": one.recall,
                    "f1": one.f1,
                }
                for one in self.per_label
            ],
            "hubness": self.hubness["skewness"],
            "hubness_details": self.hubness,
            "same_artist": self.same_artist,
            "probe": self.probe,
            "tagging": self.tagging,
            "calibration": self.calibration,
            "map_quality": self.map_quality or None,
            "n_without_vote": self.n_without_vote,
            "n_without_match": self.n_without_match,
            "n_failed": self.n_failed,
            "accuracies_by_seed": list(self.accuracies_by_seed),
        }
        return _plain(document)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first model less another one on the same tracks; above zero the first is better."""

    name: str
    other: str
    difference: Interval
    """Of the vote."""
    same_artist: Interval | None = None
    """Of finding one's own artist among the ten nearest; None where no track has a fellow."""

    def to_json(self) -> Json:
        """`is_clear`: the interval holds no zero."""
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
    """All models' figures under one protocol. In JSON the first model's stand at the top."""

    protocol: Json
    models: tuple[ModelScores, ...]
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    failed: tuple[Json, ...] = ()
    """Tracks that could not be measured: path and reason."""
    left_out: tuple[Json, ...] = ()
    """Files of the data set that never became tracks of it: path and reason."""

    def to_json(self) -> Json:
        """The protocol, the first model's figures, and with several models all of theirs."""
        document = {"protocol": self.protocol, **self.models[0].to_json()}
        if len(self.models) > 1:
            document["models"] = [model.to_json() for model in self.models]
            document["comparisons"] = [one.to_json() for one in self.comparisons]
        return document | {
            "notes": list(self.notes),
            "failed": list(self.failed),
            "left_out": list(self.left_out),
        }


def is_clear(difference: Interval) -> bool:
    """Whether it holds no zero."""
    return difference.low > 0 or difference.high < 0


def _plain(document: Json) -> Json:
    """Without NaN and infinity, which JSON does not know: None stands for them."""
    return {name: _plain_value(value) for name, value in document.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list):
        return [_plain_value(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _by_place(values: AtK) -> dict[str, float]:
    return {str(k): value for k, value in values.items()}
