"""Which tracks are kin: the same recording, the same song, or (unless they may vote) an artist.

Kin never vote for each other. Any artist in common counts: "A & B" is kin of A, and of B, which are
not kin of each other. Tracks of no known artist are kin if they share an album. Pure: names in,
numbers out.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.artist_names import is_artist
from embedder.metrics.id_sets import IdSets, share_any
from index.labels.table import Ids

UNKNOWN = -1
ARTIST_FIELDS = ("artist", "albumartist", "composer")
"""For these, an artist's own tracks vote: no other track can name the artist."""


@dataclass(frozen=True, slots=True)
class Names:
    """What kinship needs to know of a track; empty if unknown."""

    recording: str
    """Equal for copies, also in other encodings."""
    artists: Collection[str] = ()
    """The keys of its artists."""
    title: str = ""
    album: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Kinship:
    """Two tracks are kin if they have the same number in one row, or share a number of `several`.

    numbers: int64 [kinds of kin, tracks]; -1 is kin to no track.
    several: any count of numbers for each track: its artists, or its song by each of them.
    """

    numbers: Ids
    several: IdSets | None = None

    def at(self, positions: Ids | NDArray[np.bool_]) -> "Kinship":
        """The kinship of some tracks."""
        several = None if self.several is None else self.several.at(positions)
        return Kinship(self.numbers[:, positions], several)

    def are_kin(self, queries: "Kinship", positions: Ids) -> NDArray[np.bool_]:
        """Whether the track at `positions[i, j]` is kin of query i: [queries, k]."""
        kin = np.zeros(positions.shape, dtype=bool)
        for own_numbers, query_numbers in zip(self.numbers, queries.numbers, strict=True):
            query_column = query_numbers[:, None]
            kin |= (own_numbers[positions] == query_column) & (query_column != UNKNOWN)
        if self.several is not None and queries.several is not None:
            kin |= share_any(queries.several, self.several, positions)
        return kin


class KinshipBook:
    """Numbers recordings, songs and artists; the same name always gets the same number."""

    def __init__(self, *, include_artist: bool) -> None:
        """`include_artist`: tracks of one artist are not kin."""
        self._include_artist = include_artist
        self._numbers: dict[tuple[str, ...], int] = {}

    def numbered(self, tracks: Iterable[Names]) -> Kinship:
        """The kinship of tracks."""
        rows: list[tuple[int, int]] = []
        several: list[list[int]] = []
        for track in tracks:
            title, album = track.title.strip().casefold(), track.album.strip().casefold()
            has_no_artist = not track.artists and not self._include_artist
            album_number = self._number("album", album) if has_no_artist else UNKNOWN
            rows.append((self._number("recording", track.recording), album_number))
            if not self._include_artist:
                several.append([self._number("artist", artist) for artist in track.artists])
            else:  # otherwise the same song is by the same artist anyway
                songs = [("song", artist, title) for artist in track.artists if title]
                several.append([self._number(*song) for song in songs])
        numbers = np.asarray(rows, dtype=np.int64).reshape(-1, 2).T
        return Kinship(numbers, IdSets.of(several))

    def _number(self, kind: str, *names: str) -> int:
        if not all(names):
            return UNKNOWN
        return self._numbers.setdefault((kind, *names), len(self._numbers))


def artist_key(artist: str) -> str:
    """One spelling for the same artists in any order and case; empty for an unknown artist."""
    if not is_artist(artist):
        return ""
    return "; ".join(sorted(name.strip() for name in artist.casefold().split(";")))
