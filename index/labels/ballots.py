"""Who may vote: the k nearest labelled tracks that are neither the query itself, nor a copy of it,
nor its song in another recording, nor (by a setting) by its artist.

The answer does not depend on the order in which a library was filled: where several tracks lie at
the same distance and not all find a place among the k, they share what is left.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from index.labels.kinship import UNKNOWN, Kinship
from index.labels.probabilities import Ballots
from index.labels.table import Ids, LabelTable, Values

NOBODY = -1
SAME_DISTANCE = 1e-6
"""Nearer to each other than this, two distances differ by rounding only."""

Search = Callable[[NDArray[np.float32], int], tuple[NDArray[np.float32], Ids]]
"""The k nearest labelled tracks to vectors [n, d]: distances and track ids [n, k], nearest first,
padded with infinity and -1."""


def collect_ballots(
    vectors: NDArray[np.float32],
    k: int,
    *,
    table: LabelTable,
    search: Search,
    voters: Kinship,
    asking: Kinship,
) -> Ballots:
    """The ballots for query vectors [queries, d]; looks farther where kin takes up places."""
    parts: list[tuple[Ids, Ballots]] = []
    still_open = np.arange(len(vectors))
    n_fetched = min(2 * k + 8, table.n_tracks)
    while len(still_open) and n_fetched:
        found, farthest = _without_kin(
            search(vectors[still_open], n_fetched),
            table,
            voters=voters,
            asking=asking.at(still_open),
        )
        kth = found.distances[:, k - 1] if k <= n_fetched else np.full(len(still_open), np.inf)
        is_settled = farthest > kth + _slack(kth)
        is_settled |= np.isinf(farthest) | (n_fetched == table.n_tracks)
        settled = _with_shared_places(found.at(is_settled), kth[is_settled], k)
        parts.append((still_open[is_settled], settled))
        still_open = still_open[~is_settled]
        n_fetched = min(4 * n_fetched, table.n_tracks)
    return _put_together(parts, n_queries=len(vectors))


def _without_kin(
    found: tuple[NDArray[np.float32], Ids],
    table: LabelTable,
    *,
    voters: Kinship,
    asking: Kinship,
) -> tuple[Ballots, Values]:
    """Those found that may vote, nearest first, and how far was looked for them."""
    distances, ids = found[0].astype(np.float64), found[1]
    farthest = np.where(ids[:, -1] >= 0, distances[:, -1], np.inf)
    positions = np.minimum(np.searchsorted(table.track_ids, ids), table.n_tracks - 1)
    may_vote = (ids >= 0) & (table.track_ids[positions] == ids)
    for theirs, own in zip(voters.numbers, asking.numbers, strict=True):
        may_vote &= (theirs[positions] != own[:, None]) | (own[:, None] == UNKNOWN)
    distances = np.where(may_vote, distances, np.inf)
    positions = np.where(may_vote, positions, NOBODY)
    order = np.argsort(distances, axis=1, kind="stable")
    allowed = Ballots(
        np.take_along_axis(positions, order, axis=1),
        np.take_along_axis(distances, order, axis=1),
        np.zeros(distances.shape),
    )
    return allowed, farthest


def _with_shared_places(found: Ballots, kth: Values, k: int) -> Ballots:
    """A place each, and what is left shared among those who lie as far as the k-th."""
    is_there = found.positions >= 0
    nearer = is_there & (found.distances < (kth - _slack(kth))[:, None])
    level = is_there & ~nearer & (found.distances <= (kth + _slack(kth))[:, None])
    n_left = k - nearer.sum(axis=1)
    share = np.minimum(n_left / np.maximum(level.sum(axis=1), 1), 1.0)
    places = np.where(nearer, 1.0, np.where(level, share[:, None], 0.0))
    return Ballots(np.where(places > 0, found.positions, NOBODY), found.distances, places)


def _put_together(parts: list[tuple[Ids, Ballots]], *, n_queries: int) -> Ballots:
    widths = [int((part.places > 0).sum(axis=1).max(initial=0)) for _, part in parts]
    width = max([1, *widths])
    whole = Ballots(
        np.full((n_queries, width), NOBODY, dtype=np.int64),
        np.full((n_queries, width), np.inf),
        np.zeros((n_queries, width)),
    )
    for queries, part in parts:
        n_columns = min(part.positions.shape[1], width)
        is_voter = part.places[:, :n_columns] > 0
        whole.positions[queries, :n_columns] = part.positions[:, :n_columns]
        whole.distances[queries, :n_columns] = np.where(
            is_voter, part.distances[:, :n_columns], np.inf
        )
        whole.places[queries, :n_columns] = part.places[:, :n_columns]
    return whole


def _slack(distances: Values) -> Values:
    """How much rounding may move a distance."""
    return np.asarray(SAME_DISTANCE * np.maximum(np.where(np.isfinite(distances), distances, 1), 1))
