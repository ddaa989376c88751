"""Tracks without a group (id -1) are groups of their own."""

import numpy as np

from embedder.metrics.bootstrap import bootstrap_interval
from embedder.metrics.ranking import Apart, count_relevant


def test_tracks_without_a_group_may_find_each_other() -> None:
    """Two tracks of unknown artist may find each other; two of artist 5 may not."""
    ids = np.array([-1, -1, 5, 5])
    labels = np.zeros(4, dtype=np.int64)
    counts = count_relevant(labels, labels, apart=[Apart(ids, ids)], same_set=True)
    assert counts.tolist() == [3, 3, 2, 2]


def test_the_bootstrap_draws_lone_tracks_by_themselves() -> None:
    """The interval equals the one with a separate group for each of them."""
    values = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    lone, named = np.array([0, 0, 1, -1, -1]), np.array([0, 0, 1, 2, 3])
    intervals = [
        bootstrap_interval(values, generator=np.random.default_rng(1), groups=groups)
        for groups in (lone, named)
    ]
    assert intervals[0] == intervals[1]
