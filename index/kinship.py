"""Who is kin to whom: the same recording, the same song, and (unless they may vote) one artist.

Kin never vote for each other. Pure: names in, numbers out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from index.label_table import Ids

UNKNOWN = -1
Names = tuple[str, str, str]
"""A track's audio digest, artist and title; empty where they are not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Kinship:
    """Equal numbers in a row are kin; -1 is kin to nobody.

    numbers: int64 [kinds of kin, tracks]
    """

    numbers: Ids

    def at(self, positions: Ids) -> "Kinship":
        """That of some tracks."""
        return Kinship(self.numbers[:, positions])


class KinshipBook:
    """Numbers recordings, songs and artists, and keeps the numbers that it gave."""

    def __init__(self, *, with_artist: bool) -> None:
        """`with_artist`: tracks of one artist are no kin."""
        self._with_artist = with_artist
        self._numbers: dict[tuple[str, ...], int] = {}

    def numbered(self, tracks: Iterable[Names]) -> Kinship:
        """The kinship of tracks."""
        rows = [[self._number(key) for key in self._keys(names)] for names in tracks]
        return Kinship(np.asarray(rows, dtype=np.int64).reshape(-1, 3).T)

    def _number(self, key: tuple[str, ...]) -> int:
        return self._numbers.setdefault(key, len(self._numbers)) if key else UNKNOWN

    def _keys(self, names: Names) -> tuple[tuple[str, ...], ...]:
        digest, artist, title = names
        people = "; ".join(sorted(name.strip() for name in artist.casefold().split(";")))
        song = title.strip().casefold()
        return (
            ("recording", digest) if digest else (),
            ("song", people, song) if people and song else (),
            ("artist", people) if people and not self._with_artist else (),
        )
