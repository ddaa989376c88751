"""From distance to probability: a curve over pairs of which half share a label or an artist.

A model's card stores it: it says by how much a distance raises or lowers the odds that two tracks
are alike. Pure: arrays in, numbers out.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from embedder.errors import BadInput

Values = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Alike = Callable[[Rows, Rows], npt.NDArray[np.bool_]]
"""Whether the tracks of pairs [n] share a label or an artist."""

N_PAIRS = 20_000
N_DRAWS = 200
MIN_PAIRS = 100
N_BINS = 40
PAIRS_IN_BIN = 50
SLOPE = 0.01
"""The share of the score that is linear in the distance, so that no two distances tie."""
FARTHEST_COSINE = 2.0


def balanced_pairs(
    n_tracks: int, alike: Alike, *, generator: np.random.Generator, n_pairs: int = N_PAIRS
) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
    """As many pairs that are alike as others: the rows of both tracks, and which are alike."""
    n_half = n_pairs // 2
    pairs_of: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for _ in range(N_DRAWS):
        first, second = generator.integers(n_tracks, size=(2, n_pairs))
        is_alike = alike(first, second)
        for kind, pairs in pairs_of.items():
            some = np.flatnonzero((is_alike == kind) & (first != second))[: n_half - len(pairs)]
            pairs += zip(first[some].tolist(), second[some].tolist(), strict=True)
        if min(map(len, pairs_of.values())) >= n_half:
            break
    n_each = min(map(len, pairs_of.values()))
    if n_each < MIN_PAIRS:
        raise BadInput(
            f"{n_each} pairs of tracks with and without a label in common: give at least two "
            "labels, with several tracks each"
        )
    rows = np.array([*pairs_of[True][:n_each], *pairs_of[False][:n_each]], dtype=np.int64)
    return rows[:, 0], rows[:, 1], np.arange(2 * n_each) < n_each


def balanced_curve(
    distances: Values, is_alike: npt.NDArray[np.bool_], *, is_cosine: bool
) -> tuple[Values, Values]:
    """Ascending distances and falling probabilities, from 1 at distance 0 to 0 at the farthest."""
    from sklearn.isotonic import isotonic_regression

    if not distances.max() > 0:
        raise BadInput("every track has the same vector, so distances say nothing")
    order = np.argsort(distances, kind="stable")
    bins = np.array_split(order, min(N_BINS, max(len(order) // PAIRS_IN_BIN, 2)))
    middles = np.array([distances[some].mean() for some in bins])
    # One pair more of each kind, so that no rate is 0 or 1.
    rates = np.array([(is_alike[some].sum() + 1) / (len(some) + 2) for some in bins])
    falling = isotonic_regression(rates, increasing=False)
    farthest = FARTHEST_COSINE if is_cosine else 2 * float(distances.max())
    knots = np.concatenate([[0.0], middles, [max(farthest, float(middles[-1]) * 1.01)]])
    scores = np.concatenate([[1.0], falling, [0.0]])
    knots, first_rows = np.unique(knots, return_index=True)
    scores = (1 - SLOPE) * scores[first_rows] + SLOPE * (1 - knots / knots[-1])
    return knots, np.clip(scores, 0, 1)
