"""Which tracks belong together: those by one artist, and copies of a recording."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace

from embedder.datasets.records import TrackRow

_NOBODY = frozenset(
    {"", "various", "various artists", "va", "v.a.", "unknown", "unknown artist", "none"}
)


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


def is_known_artist(name: str) -> bool:
    """Whether a name is that of an artist (`Various Artists` is not)."""
    return name.strip().lower() not in _NOBODY


def with_groups(rows: Sequence[TrackRow], artist_groups: Sequence[str]) -> list[TrackRow]:
    """Fill in `group`: same artist or same artist group, else same album, else none.

    Both names of an artist count, since a table may give the artist of some tracks only, and
    `artist_group` of all.
    """
    sets = LinkedSets()
    names: list[list[tuple[str, str]]] = []
    for row, artist_group in zip(rows, artist_groups, strict=True):
        row_names = []
        if is_known_artist(row.artist):
            row_names.append(("artist", row.artist.strip().casefold()))
        if artist_group:
            row_names.append(("artist_group", artist_group))
        if not row_names and row.album:
            row_names.append(("album", row.album.strip().casefold()))
        sets.link(row_names)
        names.append(row_names)
    first_name: dict[Hashable, str] = {}
    grouped = []
    for row, row_names in zip(rows, names, strict=True):
        if not row_names:
            grouped.append(row)
            continue
        group = first_name.setdefault(sets.root(row_names[0]), ":".join(row_names[0]))
        grouped.append(replace(row, group=group))
    return grouped
