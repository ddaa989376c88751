"""The books of one order while it grows: who has been heard, how often, and when."""

from collections.abc import Hashable, Iterable

from index.playlists.solver.rules import Mark, Marks, Rules

LONG_AGO = -(1 << 30)


class Books:
    """What an order has taken so far, and what its rules forbid it next."""

    __slots__ = ("_counts", "_heard", "_marks", "_rules", "_songs", "length")

    def __init__(self, marks: Marks, rules: Rules, *, given: Iterable[int] = ()) -> None:
        self._marks = marks
        self._rules = rules
        self.length = 0
        # The parts of a mark are never equal to each other, so artists and albums share books.
        self._counts: dict[Hashable, int] = {}
        self._heard: dict[Hashable, int] = {}
        self._songs: set[Hashable] = set()
        # What is given comes anyway: it counts from the start, wherever it stands.
        for row in given:
            self._count(marks[row])

    def copy(self) -> "Books":
        """The same, to go on in another way."""
        other = Books(self._marks, self._rules)
        other.length = self.length
        other._counts = self._counts.copy()
        other._heard = self._heard.copy()
        other._songs = self._songs.copy()
        return other

    def reason(self, row: int, *, ahead: Iterable[int] = ()) -> str:
        """The first rule that forbids a candidate to come next; empty where none does.

        `ahead` are given tracks that come within the spacing.
        """
        mark, rules, counts = self._marks[row], self._rules, self._counts
        if mark.recording in self._songs:
            return "duplicate"
        if not rules.allow_versions and mark.song in self._songs:
            return "version"
        if rules.per_artist is not None and counts.get(mark.artist, 0) >= rules.per_artist:
            return "per-artist"
        if rules.per_album is not None and counts.get(mark.album, 0) >= rules.per_album:
            return "per-album"
        return "spacing" if rules.spacing and self._is_near(mark, ahead) else ""

    def reasons(self, row: int) -> list[str]:
        """All rules that forbid a candidate to come next."""
        rules = self._rules
        without = (
            Rules(None, None, 0, allow_versions=False),
            Rules(rules.per_artist, None, 0, allow_versions=True),
            Rules(None, rules.per_album, 0, allow_versions=True),
            Rules(None, None, rules.spacing, allow_versions=True),
        )
        found: list[str] = []
        for one in without:
            if one.allow_versions is False and rules.allow_versions:
                continue
            self._rules = one
            reason = self.reason(row)
            if reason and reason not in found:
                found.append(reason)
        self._rules = rules
        return found

    def place(self, row: int, *, is_given: bool = False) -> None:
        """Take a track."""
        mark = self._marks[row]
        if not is_given:
            self._count(mark)
        if self._rules.spacing:
            self._heard[mark.artist] = self.length
            self._heard[mark.album] = self.length
        self.length += 1

    def _is_near(self, mark: Mark, ahead: Iterable[int]) -> bool:
        since = self.length - self._rules.spacing
        heard = self._heard
        if max(heard.get(mark.artist, LONG_AGO), heard.get(mark.album, LONG_AGO)) >= since:
            return True
        others = (self._marks[row] for row in ahead)
        return any(is_related(mark, other) for other in others)

    def _count(self, mark: Mark) -> None:
        self._songs.add(mark.recording)
        self._songs.add(mark.song)
        for key in (mark.artist, mark.album):
            self._counts[key] = self._counts.get(key, 0) + 1


def is_related(first: Mark, second: Mark) -> bool:
    """Whether two tracks are of one artist or one album."""
    return first.artist == second.artist or first.album == second.album
