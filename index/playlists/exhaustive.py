"""The last resort where an order ended early: look at all orders, within a budget.

Taking the best fitting first can use up the artists that the end would have needed. This takes
whoever has most tracks left first, and goes back where it is stuck. Slow, so only for the few
candidates of a small library or a narrow filter.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from index.playlists.rules import Marks, Rules

MAX_CANDIDATES = 200
MAX_STEPS = 20_000


def longest_order(
    marks: Marks,
    rules: Rules,
    *,
    n_wanted: int,
    costs: NDArray[np.floating],
    first: tuple[int, ...] = (),
) -> tuple[int, ...]:
    """An order of up to `n_wanted` candidates that goes on from `first`; the longest found.

    costs: [n]; the cheaper comes first among equals, an infinite one never.
    """
    return _Walk(marks, rules, n_wanted=n_wanted, costs=costs, first=first).longest()


class _Walk:
    def __init__(
        self,
        marks: Marks,
        rules: Rules,
        *,
        n_wanted: int,
        costs: NDArray[np.floating],
        first: tuple[int, ...],
    ) -> None:
        self._rules = rules
        self._n_wanted = n_wanted
        self._costs = costs.tolist()
        self._artists, self._albums = marks.artists.tolist(), marks.albums.tolist()
        self._songs, self._recordings = marks.songs.tolist(), marks.recordings.tolist()
        self._order = list(first)
        self._best = first
        self._n_left = MAX_STEPS
        self._rows = [int(row) for row in np.flatnonzero(np.isfinite(costs)) if row not in first]

    def longest(self) -> tuple[int, ...]:
        self._go_on()
        return self._best

    def _go_on(self) -> bool:
        """Whether the order is long enough, or the budget is spent."""
        if len(self._order) > len(self._best):
            self._best = tuple(self._order)
        if len(self._order) >= self._n_wanted:
            return True
        for row in self._possible():
            self._n_left -= 1
            if self._n_left <= 0:
                return True
            self._order.append(row)
            if self._go_on():
                return True
            self._order.pop()
        return False

    def _possible(self) -> list[int]:
        rules, order = self._rules, self._order
        artists = Counter(self._artists[row] for row in order)
        albums = Counter(self._albums[row] for row in order)
        recordings = {self._recordings[row] for row in order}
        songs = set() if rules.allow_versions else {self._songs[row] for row in order}
        recent = order[max(len(order) - rules.spacing, 0) :]
        near_artists = {self._artists[row] for row in recent}
        near_albums = {self._albums[row] for row in recent}
        left = [
            row
            for row in self._rows
            if self._recordings[row] not in recordings
            and self._songs[row] not in songs
            and (rules.per_artist is None or artists[self._artists[row]] < rules.per_artist)
            and (rules.per_album is None or albums[self._albums[row]] < rules.per_album)
        ]
        n_left = Counter(self._artists[row] for row in left)
        possible = [
            row
            for row in left
            if self._artists[row] not in near_artists and self._albums[row] not in near_albums
        ]
        possible.sort(key=lambda row: (-n_left[self._artists[row]], self._costs[row]))
        return possible
