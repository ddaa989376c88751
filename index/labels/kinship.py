"""Who is kin to whom: the same recording, the same song, and (unless they may vote) one artist.

Kin never vote for each other. Pure: names in, numbers out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from index.labels.table import Ids

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

    def __init__(self, *, include_artist: bool) -> None:
        """`include_artist`: tracks of one artist are no kin."""
        self._include_artist = include_artist
        self._numbers: dict[str | tuple[str, ...], int] = {}
        self._people: dict[str, str] = {}

    def numbered(self, tracks: Iterable[Names]) -> Kinship:
        """The kinship of tracks."""
        number = self._numbers.setdefault
        rows: list[tuple[int, int, int]] = []
        for digest, artist, title in tracks:
            people = self._people_of(artist)
            song = (people, title.strip().casefold())
            rows.append(
                (
                    number(digest, len(self._numbers)) if digest else UNKNOWN,
                    number(song, len(self._numbers)) if people and song[1] else UNKNOWN,
                    number((people,), len(self._numbers)) if people else UNKNOWN,
                )
            )
        numbers = np.asarray(rows, dtype=np.int64).reshape(-1, 3).T
        return Kinship(numbers[:2] if self._include_artist else numbers)

    def _people_of(self, artist: str) -> str:
        """One spelling for the same artists; most have many tracks, so it is kept."""
        people = self._people.get(artist)
        if people is None:
            people = "; ".join(sorted(name.strip() for name in artist.casefold().split(";")))
            self._people[artist] = people
        return people
