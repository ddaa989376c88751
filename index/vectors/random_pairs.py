"""How far random tracks of a library are from each other: what a percentile is measured by.

A sample is drawn once with a fixed seed and kept as its quantiles in the catalogue's settings; it
is drawn anew when the library has another model or another size. A library that cannot be written
to draws it each time, which costs some milliseconds.
"""

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.vectors.distances import FloatMatrix, Space
from index.vectors.store import IdArray

SETTING = "random_pairs"
N_PAIRS = 4000
N_TRACKS = 400
N_QUANTILES = 201
STALE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class RandomPairs:
    """The quantiles of the distance between two random tracks, ascending."""

    fingerprint: str
    n_tracks: int
    quantiles: tuple[float, ...]

    def shares_farther(self, distances: NDArray[np.floating]) -> NDArray[np.float64] | None:
        """The share 0…1 of random pairs that are farther apart; None if there are none."""
        if not self.quantiles:
            return None
        values = np.asarray(self.quantiles)
        places = np.linspace(0, 1, len(values))
        nearer = np.interp(distances, values, places, left=0.0, right=1.0)
        shares: NDArray[np.float64] = 1 - nearer
        return shares

    def is_current(self, fingerprint: str, n_tracks: int) -> bool:
        """Whether it still speaks of this library."""
        off = abs(n_tracks - self.n_tracks)
        return self.fingerprint == fingerprint and off <= STALE_SHARE * self.n_tracks

    def to_text(self) -> str:
        """As it stands in the settings."""
        content = {
            "fingerprint": self.fingerprint,
            "n_tracks": self.n_tracks,
            "quantiles": [round(value, 7) for value in self.quantiles],
        }
        return json.dumps(content)

    @classmethod
    def from_text(cls, text: str) -> "RandomPairs":
        """From the settings."""
        content: dict[str, Any] = json.loads(text)
        quantiles = tuple(float(value) for value in content["quantiles"])
        if any(not low <= high for low, high in pairwise(quantiles)):
            raise ValueError("quantiles that do not ascend")
        return cls(str(content["fingerprint"]), int(content["n_tracks"]), quantiles)


def sampled_ids(ids: IdArray, *, n_tracks: int = N_TRACKS) -> IdArray:
    """At most so many of the tracks, ascending; nearly the same ones when some more are added."""
    if len(ids) <= n_tracks:
        return ids
    # Fibonacci hashing spreads even neighbouring numbers evenly.
    hashes = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    sample: IdArray = np.sort(ids[np.argpartition(hashes, n_tracks)[:n_tracks]])
    return sample


def measure_random_pairs(
    space: Space, vectors: FloatMatrix, *, fingerprint: str, n_tracks: int
) -> RandomPairs:
    """From the vectors [n, d] of the sampled tracks; a track is never paired with itself."""
    if len(vectors) < 2:
        return RandomPairs(fingerprint, n_tracks, ())
    units = space.to_unit(vectors)
    generator = np.random.default_rng(len(units))
    others = max(N_PAIRS // len(units), 1)
    distances = []
    for position in range(len(units)):
        steps = generator.integers(1, len(units), size=others)
        partners = units[(position + steps) % len(units)]
        distances.append(space.between(units[position], partners))
    quantiles = np.quantile(np.concatenate(distances), np.linspace(0, 1, N_QUANTILES))
    return RandomPairs(fingerprint, n_tracks, tuple(quantiles.tolist()))
