"""The books of a growing order: which artists, albums and songs it has, and where."""

from collections.abc import Hashable, Iterable

from index.playlists.solver.rules import Mark, Marks, Rules

LONG_AGO = -(1 << 30)


class Books:
    """The tracks of an order so far, and what the rules forbid next."""

    __slots__ = ("_counts", "_last_position", "_marks", "_rules", "_songs", "length")

    def __init__(self, marks: Marks, rules: Rules, *, given: Iterable[int] = ()) -> None:
        self._marks = marks
        self._rules = rules
        self.length = 0
        # An artist's key never equals an album's, so both use the same dictionaries.
        self._counts: dict[Hashable, int] = {}
        self._last_position: dict[Hashable, int] = {}
        self._songs: set[Hashable] = set()
        # Given tracks are always included, so they count from the start.
        for row in given:
            self._count(marks[row])

    def copy(self) -> "Books":
        """A copy, to continue the order in another way."""
        other = Books(self._marks, self._rules)
        other.length = self.length
        other._counts = self._counts.copy()
        other._last_position = self._last_position.copy()
        other._songs = self._songs.copy()
        return other

    def reason(self, row: int, *, ahead: Iterable[int] = ()) -> str:
        """The first rule that forbids a candidate as the next track; empty if none does.

        `ahead` are the given tracks within the spacing after it.
        """
        mark, rules, counts = self._marks[row], self._rules, self._counts
        if mark.recording in self._songs:
            return "duplicate"
        if not rules.allow_versions and mark.song in self._songs:
            return "version"
        limit = rules.per_artist
        if limit is not None and any(counts.get(artist, 0) >= limit for artist in mark.artists):
            return "per-artist"
        if rules.per_album is not None and counts.get(mark.album, 0) >= rules.per_album:
            return "per-album"
        return "spacing" if rules.spacing and self._is_near(mark, ahead) else ""

    def reasons(self, row: int) -> list[str]:
        """All rules that forbid a candidate as the next track."""
        rules = self._rules
        single_rules = (
            Rules(None, None, 0, allow_versions=False),
            Rules(rules.per_artist, None, 0, allow_versions=True),
            Rules(None, rules.per_album, 0, allow_versions=True),
            Rules(None, None, rules.spacing, allow_versions=True),
        )
        reasons: list[str] = []
        for single_rule in single_rules:
            if single_rule.allow_versions is False and rules.allow_versions:
                continue
            self._rules = single_rule
            reason = self.reason(row)
            if reason and reason not in reasons:
                reasons.append(reason)
        self._rules = rules
        return reasons

    def place(self, row: int, *, is_given: bool = False) -> None:
        """Add a track to the order."""
        mark = self._marks[row]
        if not is_given:
            self._count(mark)
        if self._rules.spacing:
            self._last_position.update(dict.fromkeys(mark.spaced, self.length))
        self.length += 1

    def _is_near(self, mark: Mark, ahead: Iterable[int]) -> bool:
        since = self.length - self._rules.spacing
        last = self._last_position
        if max(last.get(key, LONG_AGO) for key in mark.spaced) >= since:
            return True
        others = (self._marks[row] for row in ahead)
        return any(is_related(mark, other) for other in others)

    def _count(self, mark: Mark) -> None:
        self._songs.add(mark.recording)
        self._songs.add(mark.song)
        for key in mark.spaced:
            self._counts[key] = self._counts.get(key, 0) + 1


def is_related(first: Mark, second: Mark) -> bool:
    """Whether two tracks share an artist or an album."""
    return first.album == second.album or not set(first.artists).isdisjoint(second.artists)
