"""Which tracks are kin: the same recording, the same song, or (unless they may vote) one artist.

Kin never vote for each other. Tracks of no known artist are kin if they share an album. Pure: names
in, numbers out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from embedder.datasets.grouping import is_known_artist
from index.labels.table import Ids

UNKNOWN = -1
ARTIST_FIELDS = ("artist", "albumartist", "composer")
"""For these, an artist's own tracks vote: no other track can name the artist."""


@dataclass(frozen=True, slots=True)
class Names:
    """What kinship needs to know of a track; empty if unknown."""

    audio_digest: str
    artist: str
    title: str = ""
    album: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Kinship:
    """Two tracks are kin if they have the same number in one row; -1 is kin to no track.

    numbers: int64 [kinds of kin, tracks]
    """

    numbers: Ids

    def at(self, positions: Ids) -> "Kinship":
        """The kinship of some tracks."""
        return Kinship(self.numbers[:, positions])


class KinshipBook:
    """Numbers recordings, songs and artists; the same name always gets the same number."""

    def __init__(self, *, include_artist: bool) -> None:
        """`include_artist`: tracks of one artist are not kin."""
        self._include_artist = include_artist
        self._numbers: dict[tuple[str, ...], int] = {}
        self._keys: dict[str, str] = {}

    def numbered(self, tracks: Iterable[Names]) -> Kinship:
        """The kinship of tracks."""
        rows: list[tuple[int, int, int]] = []
        for track in tracks:
            artist = self._artist_key(track.artist)
            title, album = track.title.strip().casefold(), track.album.strip().casefold()
            rows.append(
                (
                    self._number("recording", track.audio_digest),
                    self._number("song", artist, title),
                    self._number("artist", artist) if artist else self._number("album", album),
                )
            )
        numbers = np.asarray(rows, dtype=np.int64).reshape(-1, 3).T
        return Kinship(numbers[:2] if self._include_artist else numbers)

    def _number(self, kind: str, *names: str) -> int:
        if not all(names):
            return UNKNOWN
        return self._numbers.setdefault((kind, *names), len(self._numbers))

    def _artist_key(self, artist: str) -> str:
        """The key of an artist, cached because most artists have many tracks."""
        key = self._keys.get(artist)
        if key is None:
            key = self._keys[artist] = artist_key(artist)
        return key


def artist_key(artist: str) -> str:
    """One spelling for the same artists in any order and case; empty for an unknown artist."""
    if not is_known_artist(artist):
        return ""
    return "; ".join(sorted(name.strip() for name in artist.casefold().split(";")))
