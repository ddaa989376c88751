"""Which tracks belong together: those by one artist, and copies of a recording."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace

from embedder.datasets.artist_names import ArtistBook, Credit, is_artist
from embedder.datasets.records import TrackRow


class LinkedSets:
    """Sets that merge as links between their members are added (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}

    def root(self, member: Hashable) -> Hashable:
        """The member that represents the whole set."""
        self._parents.setdefault(member, member)
        while self._parents[member] != member:
            self._parents[member] = self._parents[self._parents[member]]
            member = self._parents[member]
        return member

    def link(self, members: Iterable[Hashable]) -> None:
        """Put all members into one set."""
        roots = [self.root(member) for member in members]
        for other_root in roots[1:]:
            self._parents[self.root(other_root)] = self.root(roots[0])


def with_groups(rows: Sequence[TrackRow], artist_groups: Sequence[str]) -> list[TrackRow]:
    """Fill in `artists` and `group`: linked by artists or artist groups, else by album, else none.

    Both names of an artist count, since a table may give the artist of some tracks only, and
    `artist_group` of all. A group holds all tracks that a chain of shared artists links, so that a
    split by groups splits no artist. Rows that have `artists` already keep them.
    """
    book = ArtistBook(Credit((row.artist,)) for row in rows if row.artist)
    aliases = LinkedSets()  # an artist, and the artist group that stands for the same
    named: list[list[str]] = []
    for row, artist_group in zip(rows, artist_groups, strict=True):
        credits_of_row = [Credit((row.artist,))] if row.artist else []
        artists = sorted(row.artists or book.artists_of(credits_of_row))
        names = [f"artist:{artist}" for artist in artists]
        if artist_group:
            names.append(f"artist_group:{artist_group}")
        if artist_group and len(artists) == 1:
            aliases.link(names)
        named.append(names)
    sets = LinkedSets()
    artists_of = [frozenset(str(aliases.root(name)) for name in names) for names in named]
    names_of = [
        sorted(row_artists) or ([f"album:{row.album.strip().casefold()}"] if row.album else [])
        for row, row_artists in zip(rows, artists_of, strict=True)
    ]
    for names in names_of:
        sets.link(names)
    first_name: dict[Hashable, str] = {}
    grouped = []
    for row, row_artists, names in zip(rows, artists_of, names_of, strict=True):
        if not names:
            grouped.append(row)
            continue
        shown = f"artist:{row.artist.strip().casefold()}" if is_artist(row.artist) else names[0]
        group = first_name.setdefault(sets.root(names[0]), shown)
        grouped.append(replace(row, group=group, artists=row_artists))
    return grouped
