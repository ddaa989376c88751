"""Which tracks belong together: those that share an artist, or repeat each other."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace

from embedder.datasets.records import TrackRow

_NOBODY = frozenset(
    {"", "various", "various artists", "va", "v.a.", "unknown", "unknown artist", "none"}
)


class LinkedSets:
    """Sets that grow together as links between their members become known (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}

    def root(self, member: Hashable) -> Hashable:
        """The one member that stands for the whole set."""
        self._parents.setdefault(member, member)
        while self._parents[member] != member:
            self._parents[member] = self._parents[self._parents[member]]
            member = self._parents[member]
        return member

    def link(self, members: Iterable[Hashable]) -> None:
        """Put all of them into one set."""
        roots = [self.root(member) for member in members]
        for other in roots[1:]:
            self._parents[self.root(other)] = self.root(roots[0])


def is_known_artist(name: str) -> bool:
    """Whether a name stands for somebody (`Various Artists` does not)."""
    return name.strip().lower() not in _NOBODY


def with_groups(rows: Sequence[TrackRow], artist_groups: Sequence[str]) -> list[TrackRow]:
    """Fill in `group`: same artist or same artist group, else same album, else none.

    Both names of an artist count, since a table may know the artist of some tracks only and
    a stand-in (`artist_group`) of all of them.
    """
    sets = LinkedSets()
    names: list[list[tuple[str, str]]] = []
    for row, artist_group in zip(rows, artist_groups, strict=True):
        known = []
        if is_known_artist(row.artist):
            known.append(("artist", row.artist.strip().casefold()))
        if artist_group:
            known.append(("artist_group", artist_group))
        if not known and row.album:
            known.append(("album", row.album.strip().casefold()))
        sets.link(known)
        names.append(known)
    first_name: dict[Hashable, str] = {}
    grouped = []
    for row, known in zip(rows, names, strict=True):
        if not known:
            grouped.append(row)
            continue
        group = first_name.setdefault(sets.root(known[0]), ":".join(known[0]))
        grouped.append(replace(row, group=group))
    return grouped
