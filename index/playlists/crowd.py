"""The books of several orders that grow side by side: who has been heard, how often, and when.

`B` orders, `n` candidates; a candidate is a row in `Marks`.
"""

import numpy as np
from numpy.typing import NDArray

from index.playlists.rules import Marks, Rules

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

LONG_AGO = -(1 << 30)


class Crowd:
    """What B orders have taken so far, and what their rules forbid them next."""

    def __init__(self, marks: Marks, rules: Rules, *, given: Rows) -> None:
        self._marks = marks
        self._rules = rules
        self.length = 0
        self._artist_counts = _zeros(marks.artists)
        self._album_counts = _zeros(marks.albums)
        self._song_counts = _zeros(marks.songs)
        self._recording_counts = _zeros(marks.recordings)
        self._artist_heard = np.full_like(self._artist_counts, LONG_AGO)
        self._album_heard = np.full_like(self._album_counts, LONG_AGO)
        # What is given comes anyway: it counts from the start, wherever it stands.
        for row in given:
            self._count(np.array([row]))

    def reasons(self, candidates: Rows, *, ahead: Rows) -> tuple[Mask, ...]:
        """For each of REASONS, whether it forbids candidates [k] to come next: [B, k].

        `ahead` are given tracks that come within the spacing.
        """
        marks, rules = self._marks, self._rules
        artists, albums = marks.artists[candidates], marks.albums[candidates]
        nothing = np.zeros((1, len(candidates)), dtype=np.bool_)
        spacing = nothing
        if rules.spacing:
            since = self.length - rules.spacing
            spacing = (self._artist_heard[:, artists] >= since) | (
                self._album_heard[:, albums] >= since
            )
            for row in ahead:
                spacing |= (artists == marks.artists[row]) | (albums == marks.albums[row])
        return (
            self._recording_counts[:, marks.recordings[candidates]] > 0,
            nothing if rules.allow_versions else self._song_counts[:, marks.songs[candidates]] > 0,
            nothing
            if rules.per_artist is None
            else self._artist_counts[:, artists] >= rules.per_artist,
            nothing
            if rules.per_album is None
            else self._album_counts[:, albums] >= rules.per_album,
            spacing,
        )

    def branch(self, parents: Rows) -> None:
        """Go on with copies of some orders [B']."""
        if len(parents) == len(self._artist_counts) == 1:
            return
        for name in (
            "_artist_counts",
            "_album_counts",
            "_song_counts",
            "_recording_counts",
            "_artist_heard",
            "_album_heard",
        ):
            setattr(self, name, getattr(self, name)[parents])

    def place(self, chosen: Rows, *, is_given: bool = False) -> None:
        """Each order [B] takes a track."""
        if not is_given:
            self._count(chosen)
        orders = np.arange(len(chosen))
        self._artist_heard[orders, self._marks.artists[chosen]] = self.length
        self._album_heard[orders, self._marks.albums[chosen]] = self.length
        self.length += 1

    def _count(self, chosen: Rows) -> None:
        marks, orders = self._marks, np.arange(len(chosen))
        self._artist_counts[orders, marks.artists[chosen]] += 1
        self._album_counts[orders, marks.albums[chosen]] += 1
        self._song_counts[orders, marks.songs[chosen]] += 1
        self._recording_counts[orders, marks.recordings[chosen]] += 1


def _zeros(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.zeros((1, int(codes.max(initial=0)) + 1), dtype=np.int32)
