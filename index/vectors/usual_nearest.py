"""How far a library's tracks usually are from their nearest neighbour, and a word on a distance."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from embedder.errors import CorruptArtefact
from index.vectors.score_curve import Values

N_QUANTILES = 101
MIN_TRACKS = 20
"""Fewer tracks have no usual distance."""
CLOSE, FAR = 0.05, 0.95
WORDS = ("unusually close", "typical", "nothing close: the library has little like it")


@dataclass(frozen=True, slots=True)
class Closeness:
    """How near the nearest track is, compared with the tracks of the library."""

    distance: float
    percentile: float
    """The share of the library's tracks whose nearest neighbour is nearer than that, 0…1."""

    @property
    def word(self) -> str:
        """One of `WORDS`."""
        return WORDS[int(self.percentile > CLOSE) + int(self.percentile >= FAR)]

    def to_json(self) -> dict[str, float | str]:
        """The fields, and the word."""
        return {"distance": self.distance, "percentile": self.percentile, "word": self.word}


@dataclass(frozen=True, slots=True)
class UsualNearest:
    """The quantiles of the distance of a library's tracks to the nearest other recording."""

    quantiles: tuple[float, ...] = ()
    """Ascending; none if the library has too few tracks."""

    def __post_init__(self) -> None:
        if any(not low <= high for low, high in pairwise(self.quantiles)):
            raise CorruptArtefact("distances of nearest neighbours that do not ascend")

    @classmethod
    def of(cls, distances: Values) -> "UsualNearest":
        """From the distances [n] of some tracks to their nearest neighbour."""
        if len(distances) < MIN_TRACKS:
            return cls()
        quantiles = np.quantile(distances, np.linspace(0, 1, N_QUANTILES))
        return cls(tuple(quantiles.tolist()))

    def closeness(self, distance: float) -> Closeness | None:
        """Of a track whose nearest neighbour is at this distance; None in a small library."""
        if not self.quantiles:
            return None
        places = np.linspace(0, 1, len(self.quantiles))
        share = float(np.interp(distance, self.quantiles, places, left=0.0, right=1.0))
        return Closeness(distance, share)
