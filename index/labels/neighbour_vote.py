"""The neighbours' vote, the same for `label` and for `evaluate`.

    vectors ─▶ ballots ─▶ weights by distance ─▶ probabilities
               (the k nearest that are no kin)   ▲
                                                 └─ calibrated on a sample of the voters

Of a field with one label a track, the most probable label is the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.labels.ballots import Search, collect_ballots
from index.labels.kinship import Kinship
from index.labels.probabilities import Ballots, VoteCalibration, fit_calibration
from index.labels.table import Ids, LabelTable, Values

MAX_FITTED = 1000
MIN_FITTED = 50
MULTIPLICATIONS = {"cosine": 6e9, "euclidean": 6e9, "poincare": 1e9}
"""The cost of the sample's search, less than a second; the ball has no fast index."""
MAX_CELLS = 200_000
"""Tracks times labels in the same time."""


@dataclass(frozen=True, slots=True, eq=False)
class NeighbourVote:
    """A vote of the k nearest labelled tracks. `voters` is the kinship of the table's tracks."""

    table: LabelTable
    search: Search
    voters: Kinship
    k: int
    class_balanced: bool = False

    def ballots(self, vectors: NDArray[np.float32], queries: Kinship) -> Ballots:
        """The voters of query vectors [n, d] with their kinship."""
        return collect_ballots(
            vectors,
            self.k,
            table=self.table,
            search=self.search,
            voters=self.voters,
            queries=queries,
        )

    def fitted(self, sample: Ids, vectors: NDArray[np.float32]) -> VoteCalibration:
        """The calibration learned from the tracks at positions [n], with vectors [n, d]."""
        return fit_calibration(
            self.table,
            self.ballots(vectors, self.voters.at(sample)),
            self.table.truth(sample),
            class_balanced=self.class_balanced,
        )

    def probabilities(self, ballots: Ballots, calibration: VoteCalibration) -> Values:
        """The probability of every label, [n, labels]."""
        return calibration.probabilities(self.table, ballots, class_balanced=self.class_balanced)


def calibration_sample(
    table: LabelTable, keys: Sequence[bytes], *, space_kind: str, embedding_size: int
) -> Ids:
    """The positions of some tracks, chosen by their keys and not by the order of the table.

    keys: one for each track of the table, such as its audio digest.
    """
    n_affordable = min(
        MULTIPLICATIONS[space_kind] / (table.n_tracks * embedding_size),
        MAX_CELLS / table.n_labels,
    )
    n_sampled = int(np.clip(n_affordable, MIN_FITTED, MAX_FITTED))
    order = sorted(range(table.n_tracks), key=lambda position: keys[position])
    return np.sort(np.asarray(order[:n_sampled], dtype=np.int64))
