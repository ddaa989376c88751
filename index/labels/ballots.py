"""The voters: the k nearest labelled tracks that are not kin of the query.

The result does not depend on the order in which a library was filled: if several tracks have the
same distance and not all fit among the k, they share the remaining places.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from index.labels.kinship import Kinship
from index.labels.probabilities import Ballots
from index.labels.table import Ids, LabelTable, Values

NO_VOTER = -1
SAME_DISTANCE = 1e-6
"""Two distances that differ by less are equal but for rounding."""

Search = Callable[[NDArray[np.float32], int], tuple[NDArray[np.float32], Ids]]
"""Finds the k labelled tracks nearest to vectors [n, d]: distances and track ids [n, k], nearest
first, padded with infinity and -1."""


def collect_ballots(
    vectors: NDArray[np.float32],
    k: int,
    *,
    table: LabelTable,
    search: Search,
    voters: Kinship,
    queries: Kinship,
) -> Ballots:
    """The ballots of query vectors [queries, d]; the search goes on while kin take up places."""
    parts: list[tuple[Ids, Ballots]] = []
    still_open = np.arange(len(vectors))
    n_fetched = min(2 * k + 8, table.n_tracks)
    while len(still_open) and n_fetched:
        ballots, farthest = _without_kin(
            search(vectors[still_open], n_fetched),
            table,
            voters=voters,
            queries=queries.at(still_open),
        )
        kth = ballots.distances[:, k - 1] if k <= n_fetched else np.full(len(still_open), np.inf)
        is_settled = farthest > kth + _slack(kth)
        is_settled |= np.isinf(farthest) | (n_fetched == table.n_tracks)
        settled = _with_shared_places(ballots.at(is_settled), kth[is_settled], k)
        parts.append((still_open[is_settled], settled))
        still_open = still_open[~is_settled]
        n_fetched = min(4 * n_fetched, table.n_tracks)
    return _put_together(parts, n_queries=len(vectors))


def _without_kin(
    neighbours: tuple[NDArray[np.float32], Ids],
    table: LabelTable,
    *,
    voters: Kinship,
    queries: Kinship,
) -> tuple[Ballots, Values]:
    """The neighbours that may vote, nearest first, and the farthest distance searched."""
    distances, ids = neighbours[0].astype(np.float64), neighbours[1]
    farthest = np.where(ids[:, -1] >= 0, distances[:, -1], np.inf)
    positions = np.minimum(np.searchsorted(table.track_ids, ids), table.n_tracks - 1)
    may_vote = (ids >= 0) & (table.track_ids[positions] == ids)
    may_vote &= ~voters.are_kin(queries, positions)
    distances = np.where(may_vote, distances, np.inf)
    positions = np.where(may_vote, positions, NO_VOTER)
    order = np.argsort(distances, axis=1, kind="stable")
    allowed = Ballots(
        np.take_along_axis(positions, order, axis=1),
        np.take_along_axis(distances, order, axis=1),
        np.zeros(distances.shape),
    )
    return allowed, farthest


def _with_shared_places(ballots: Ballots, kth: Values, k: int) -> Ballots:
    """One place for each nearer track; the rest is shared among tracks as far as the k-th."""
    is_voter = ballots.positions >= 0
    is_nearer = is_voter & (ballots.distances < (kth - _slack(kth))[:, None])
    is_level = is_voter & ~is_nearer & (ballots.distances <= (kth + _slack(kth))[:, None])
    n_left = k - is_nearer.sum(axis=1)
    share = np.minimum(n_left / np.maximum(is_level.sum(axis=1), 1), 1.0)
    places = np.where(is_nearer, 1.0, np.where(is_level, share[:, None], 0.0))
    return Ballots(np.where(places > 0, ballots.positions, NO_VOTER), ballots.distances, places)


def _put_together(parts: list[tuple[Ids, Ballots]], *, n_queries: int) -> Ballots:
    widths = [int((part.places > 0).sum(axis=1).max(initial=0)) for _, part in parts]
    width = max([1, *widths])
    whole = Ballots(
        np.full((n_queries, width), NO_VOTER, dtype=np.int64),
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
