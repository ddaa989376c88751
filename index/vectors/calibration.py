"""From a distance to a score: how probable it is that two tracks share a label or an artist.

The map is learned once for a model, on tracks that the model was not trained on, from as many
pairs that share as pairs that do not, and travels in the model's card. So a score means the same
in every library of one model. A model without it gets a score that follows from the distance
alone: it puts things into the same order, but is no probability.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.errors import BadInput, CorruptArtefact
from index.vectors.distances import FloatMatrix, Space

CARD_KEY = "calibration"
"""Where it stands in `Card.facts`."""
N_PAIRS = 20_000
N_BINS = 40
SLOPE = 0.01
"""So much of the score is kept for plain distance, so that no two distances get one score."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores at some distances, ascending; straight lines between them."""

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
        """The scores of distances, whatever their shape; smaller distances never score less."""
        found: NDArray[np.float64] = np.interp(distances, self.distances, self.scores)
        return found

    def to_json(self) -> dict[str, Any]:
        """As it stands in a model's card."""
        return {"distances": list(self.distances), "scores": list(self.scores)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Calibration":
        """From a model's card; raises CorruptArtefact where it is none."""
        try:
            distances = tuple(float(value) for value in content["distances"])
            return cls(distances, tuple(float(value) for value in content["scores"]))
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptArtefact(f"the calibration in the model's card: {error!r}") from error

    @classmethod
    def uncalibrated(cls, space: Space) -> "Calibration":
        """By the distance alone: cosine, 1 - d/2, so that a right angle is 0.5; else 1/(1 + d)."""
        if space.kind == "cosine":
            return cls((0.0, 2.0), (1.0, 0.0), is_learned=False)
        distances = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 400)])
        scores = 1 / (1 + distances)
        return cls(tuple(distances.tolist()), tuple(scores.tolist()), is_learned=False)


def fit_calibration(
    vectors: FloatMatrix,
    labels: Sequence[str],
    *,
    artists: Sequence[str] | None = None,
    space: Space,
    generator: np.random.Generator,
    n_pairs: int = N_PAIRS,
) -> Calibration:
    """Learn the map from held-out tracks: vectors [n, d] with a label, and an artist, each.

    An empty label or artist is shared with nobody.
    """
    distances, shares = labelled_pairs(
        vectors, labels, artists=artists, space=space, generator=generator, n_pairs=n_pairs
    )
    from sklearn.isotonic import isotonic_regression

    order = np.argsort(distances, kind="stable")
    bins = np.array_split(order, min(N_BINS, max(len(order) // 50, 2)))
    middles = np.array([distances[some].mean() for some in bins])
    # One sharing and one other pair more: no bin is quite sure of itself.
    rates = np.array([(shares[some].sum() + 1) / (len(some) + 2) for some in bins])
    falling = isotonic_regression(rates, increasing=False)
    farthest = 2.0 if space.kind == "cosine" else 2 * float(distances.max())
    knots = np.concatenate([[0.0], middles, [max(farthest, float(middles[-1]) * 1.01)]])
    scores = np.concatenate([[1.0], falling, [0.0]])
    knots, kept = np.unique(knots, return_index=True)
    scores = (1 - SLOPE) * scores[kept] + SLOPE * (1 - knots / knots[-1])
    return Calibration(tuple(knots.tolist()), tuple(np.clip(scores, 0, 1).tolist()))


def labelled_pairs(
    vectors: FloatMatrix,
    labels: Sequence[str],
    *,
    artists: Sequence[str] | None = None,
    space: Space,
    generator: np.random.Generator,
    n_pairs: int = N_PAIRS,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """As many pairs that share a label or an artist as pairs that do not: distances, sharing."""
    columns = [np.asarray(column) for column in (labels, artists) if column is not None]
    if any(len(column) != len(vectors) for column in columns):
        raise BadInput(f"{len(vectors)} vectors, but {[len(c) for c in columns]} labels")
    units = space.to_unit(vectors)
    wanted = n_pairs // 2
    found: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for _ in range(200):
        first, second = generator.integers(len(units), size=(2, n_pairs))
        share = np.zeros(n_pairs, dtype=bool)
        for column in columns:
            share |= (column[first] == column[second]) & (column[first] != "")
        for kind in (True, False):
            some = np.flatnonzero((share == kind) & (first != second))
            some = some[: wanted - len(found[kind])]
            found[kind] += zip(first[some].tolist(), second[some].tolist(), strict=True)
        if min(map(len, found.values())) >= wanted:
            break
    n_each = min(map(len, found.values()))
    if n_each < 100:
        raise BadInput(
            f"{n_each} pairs of tracks with and without a label in common: give at least two "
            "labels, with several tracks each"
        )
    pairs = [pair for kind in (True, False) for pair in found[kind][:n_each]]
    distances = np.array([space.between(units[a], units[b : b + 1])[0] for a, b in pairs])
    return distances.astype(np.float64), np.arange(2 * n_each) < n_each
