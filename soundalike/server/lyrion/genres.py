"""Which tracks may follow by their genres: Lyrion's groups of genres that go together."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

Genres = frozenset[str]


class GenreGroups:
    """Groups of genres, and those of them that the named tracks are in."""

    def __init__(self, groups: Sequence[Sequence[str]], *, needs_all: bool) -> None:
        self._groups = [[pattern.lower() for pattern in group] for group in groups]
        self._needs_all = needs_all
        self._accepted: set[int] = set()

    def accept(self, genres: Genres) -> None:
        """Accept the groups of a named track."""
        for number, group in enumerate(self._groups):
            matching = [_is_in(genre, group) for genre in genres]
            if matching and (all(matching) if self._needs_all else any(matching)):
                self._accepted.add(number)

    def allow(self, genres: Genres) -> bool:
        """Whether a track may follow.

        A track without genres may. If the named tracks are in no group, no track of a group may.
        """
        if not genres:
            return True
        if self._accepted:
            return self._has(genres, self._accepted)
        return not self._has(genres, range(len(self._groups)))

    def _has(self, genres: Genres, numbers: Iterable[int]) -> bool:
        return any(_is_in(genre, self._groups[number]) for number in numbers for genre in genres)


def _is_in(genre: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(genre, pattern) for pattern in patterns)
