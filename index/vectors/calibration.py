"""From a distance to a score: how probable it is that two tracks share a label or an artist.

The calibration is fitted once for a model, on held-out tracks, with as many pairs that share a
label as pairs that do not. It is stored in the model's card, and a library's own curve starts from
it (`score_curve`). Without a calibration, the distance alone stands in for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact
from index.vectors.distances import Space

CARD_KEY = "calibration"
"""The key of the calibration in `Card.facts`, as in `embedder.models.card`."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores at ascending distances; scores between them are interpolated linearly."""

    distances: tuple[float, ...]
    scores: tuple[float, ...]
    is_learned: bool = True

    def __post_init__(self) -> None:
        near_to_far = all(first < second for first, second in pairwise(self.distances))
        falling = all(first >= second for first, second in pairwise(self.scores))
        in_range = all(0 <= score <= 1 for score in self.scores)
        if len(self.distances) != len(self.scores) or len(self.scores) < 2:
            raise CorruptArtefact("a calibration needs two distances or more, and a score for each")
        if not (near_to_far and falling and in_range):
            raise CorruptArtefact("a calibration's scores must fall from 1 to 0 with the distance")

    def scores_at(self, distances: NDArray[np.floating]) -> NDArray[np.float64]:
        """The scores of distances of any shape; a smaller distance never has a lower score."""
        interpolated: NDArray[np.float64] = np.interp(distances, self.distances, self.scores)
        return interpolated

    def to_json(self) -> dict[str, Any]:
        """The form in a model's card."""
        return {"distances": list(self.distances), "scores": list(self.scores)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Calibration":
        """From a model's card; raises CorruptArtefact if it is not valid."""
        try:
            distances = tuple(float(value) for value in content["distances"])
            return cls(distances, tuple(float(value) for value in content["scores"]))
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptArtefact(f"the calibration in the model's card: {error!r}") from error

    @classmethod
    def uncalibrated(cls, space: Space) -> "Calibration":
        """From the distance alone: for cosine 1 - d/2 (0.5 at a right angle), else 1/(1 + d)."""
        if space.kind == "cosine":
            return cls((0.0, 2.0), (1.0, 0.0), is_learned=False)
        distances = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 400)])
        scores = 1 / (1 + distances)
        return cls(tuple(distances.tolist()), tuple(scores.tolist()), is_learned=False)
