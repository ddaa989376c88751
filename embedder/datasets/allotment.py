"""Distribute groups of tracks over the sides of a split, with a share of every label on each side.

Pure: numbers in, side numbers out. A group is never divided. Large groups are placed first, each on
the side where the label counts come nearest to their targets (like scikit-learn's
StratifiedGroupKFold, but for any shares and for several labels a track).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def allot(
    group_counts: NDArray[np.float64],
    shares: Sequence[float],
    *,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """The side of each group, int64 [groups].

    `group_counts: float [groups, labels]` holds a group's number of tracks with each label; the
    first column counts all its tracks. `shares` has one share for each side; they sum to one.
    """
    totals = group_counts.sum(axis=0)
    targets = np.outer(shares, totals)  # [sides, labels]
    weights = 1.0 / np.maximum(totals, 1.0)
    # Otherwise many rare labels would count more than the size of a side.
    weights[0] *= max(1, len(totals) - 1)
    placed = np.zeros_like(targets)
    order = generator.permutation(len(group_counts))
    order = order[np.argsort(-group_counts[order, 0], kind="stable")]
    sides = np.zeros(len(group_counts), dtype=np.int64)
    open_sides = np.asarray(shares) > 0
    for group in order:
        counts = group_counts[group]
        # (placed + counts - target)² - (placed - target)², without terms that all sides share
        costs = ((placed - targets) * counts * weights).sum(axis=1)
        costs[~open_sides] = np.inf
        side = int(np.argmin(costs))
        sides[group] = side
        placed[side] += counts
    return _fill_empty_sides(sides, group_counts[:, 0], open_sides)


def _fill_empty_sides(
    sides: NDArray[np.int64], sizes: NDArray[np.float64], open_sides: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Give an empty side the smallest group of the side with most groups."""
    for side in np.flatnonzero(open_sides):
        if (sides == side).any():
            continue
        counts = np.bincount(sides, minlength=len(open_sides))
        donor = int(counts.argmax())
        if counts[donor] < 2:
            break  # fewer groups than sides
        members = np.flatnonzero(sides == donor)
        sides[members[sizes[members].argmin()]] = side
    return sides
