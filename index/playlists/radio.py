"""Radio: one like-sounding track after another, chosen by what is heard and what is skipped.

Each next track comes from a search with the seeds and the listener's taste, without the tracks of
this session and without the artists of the last few.
"""

from collections.abc import Sequence

from embedder.errors import UsageError
from index.catalogue.event_rows import EventKind
from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.search.asked import query_tracks
from index.search.request import SearchRequest
from index.search.search import Searcher
from index.taste.request import EventRequest, check_taste
from index.taste.waiting import store_or_wait

SOURCE = "radio"
ARTIST_GAP = 3
"""An artist comes again after this many others, unless nothing else is left."""
AHEAD = 20
"""So many more candidates than tracks that were offered are looked at."""


class Radio:
    """An endless playlist from some seeds; it ends when the library does.

    `offered` are tracks that were played before, the latest last: they do not come again, and if
    there are any, the first track is no seed. `where` is a filter for all other tracks.
    """

    def __init__(
        self,
        library: OpenLibrary,
        seeds: Sequence[str],
        *,
        taste: float,
        where: str = "",
        offered: Sequence[TrackRecord] = (),
    ) -> None:
        if not seeds:
            raise UsageError("no track to start from: name a file, an id or words")
        check_taste(taste)
        self._library = library
        self._seeds = tuple(seeds)
        self._taste = taste
        self._where = where
        self._offered = list(offered)
        self.n_waiting = 0
        """Events that wait because another process is writing to the library."""

    def next(self) -> TrackRecord | None:
        """The next track; None if the library has no further one. A seed comes first."""
        if not self._offered:
            seeds = query_tracks(self._library, self._seeds)
            self._offered.append(seeds[0].record)
            return self._offered[0]
        recordings = {track.audio_digest for track in self._offered}
        ids = {track.id for track in self._offered}
        k = len(self._offered) + AHEAD
        while True:
            request = SearchRequest(self._seeds, k=k, taste=self._taste, where=self._where)
            result = Searcher(self._library).search(request)
            tracks = [
                neighbour.track
                for neighbour in result.neighbours
                if neighbour.track.id not in ids and neighbour.track.audio_digest not in recordings
            ]
            is_all = len(result.neighbours) < k
            gaps = range(ARTIST_GAP, -1, -1) if is_all else (ARTIST_GAP,)
            for track in (track for gap in gaps for track in self._spaced(tracks, gap)):
                self._offered.append(track)
                return track
            if is_all:
                return None
            k *= 4

    def record(self, track: TrackRecord, kind: EventKind) -> None:
        """Store what the listener did with a track of the library."""
        if track.id:
            is_stored = store_or_wait(self._library, [EventRequest(track.id, kind, None, SOURCE)])
            self.n_waiting = 0 if is_stored else self.n_waiting + 1

    def _spaced(self, tracks: Sequence[TrackRecord], gap: int) -> list[TrackRecord]:
        """The tracks without an artist of the last few that were offered."""
        last = self._offered[len(self._offered) - gap :] if gap else []
        recent = {name for names in self._artists(last) for name in names}
        pairs = zip(tracks, self._artists(tracks), strict=True)
        return [track for track, names in pairs if not names & recent]

    def _artists(self, tracks: Sequence[TrackRecord]) -> list[frozenset[str]]:
        return self._library.artists.of(tracks) if tracks else []
