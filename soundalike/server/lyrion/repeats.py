"""What must not come again in a mix: tracks, titles, artists and albums."""

from collections.abc import Sequence

from soundalike.server.lyrion.facts import Facts
from soundalike.server.lyrion.requests import MixQuestion


class Repeats:
    """The tracks so far. Of previous tracks, only the latest keep their artist or album away."""

    def __init__(
        self, question: MixQuestion, seeds: Sequence[Facts], previous: Sequence[Facts]
    ) -> None:
        self._spaces_artists = question.norepart > 0
        self._spaces_albums = question.norepalb > 0
        known = (*seeds, *previous)
        self._recordings = {facts.track.recording for facts in known}
        self._titles = {facts.title for facts in known if facts.title}
        self._artists = {name for facts in previous[: question.norepart] for name in facts.artists}
        self._albums = {facts.album for facts in previous[: question.norepalb] if facts.album[0]}
        self._mixed_albums: set[tuple[str, str]] = set()

    def add(self, facts: Facts) -> None:
        """Count a track that was chosen."""
        self._recordings.add(facts.track.recording)
        self._titles |= {facts.title} - {""}
        if self._spaces_artists:
            self._artists |= facts.artists
        if facts.album[0]:
            self._mixed_albums.add(facts.album)

    def is_known(self, facts: Facts) -> bool:
        """Whether a track may not come at all: it was there, or the mix has its album."""
        return facts.track.recording in self._recordings or facts.album in self._mixed_albums

    def has(self, facts: Facts) -> bool:
        """Whether a track comes only if there are too few others."""
        if self._spaces_artists and facts.artists & self._artists:
            return True
        if self._spaces_albums and not facts.is_various and facts.album in self._albums:
            return True
        return facts.title in self._titles
