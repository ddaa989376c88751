"""Which track of the library an event of a history means: by path, MusicBrainz id, or names.

Names are compared without letter case, accents and punctuation. One common credited artist is
enough, as "A feat. B" is A to one service and A & B to another.
"""

import re
from collections import Counter, defaultdict

from embedder.datasets.artist_names import fold_name
from index.catalogue.event_rows import Event
from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.taste.listens import Listen

RECORDING_FIELDS = ("musicbrainz_trackid", "musicbrainz track id", "musicbrainz/track id")
"""The tags with a recording's MusicBrainz id, in the spellings of the different kinds of tags."""
_GUESTS = re.compile(r"\s*[\[(]?\b(?:feat|ft|featuring)\b\.? .*$", re.IGNORECASE)


class TrackFinder:
    """Finds the tracks that histories name."""

    def __init__(self, library: OpenLibrary) -> None:
        self._library = library
        self._by_path: dict[str, list[TrackRecord]] = defaultdict(list)
        self._by_title: dict[str, list[TrackRecord]] = defaultdict(list)
        tracks = list(library.all_tracks())
        for track in tracks:
            self._by_path[track.path].append(track)
            if track.title:
                self._by_title[_title_key(track.title)].append(track)
        by_id = {track.id: track for track in tracks}
        self._by_recording: dict[str, TrackRecord] = {}
        for field in RECORDING_FIELDS:
            for track_id, values in library.catalogue.field_values(field).items():
                for value in values:
                    self._by_recording.setdefault(value.strip().lower(), by_id[track_id])
        self._found: dict[tuple[str, str, str], TrackRecord | None] = {}

    def track(self, listen: Listen) -> TrackRecord | None:
        """The track that an event means; None if the library does not have it."""
        for recording_id in listen.recording_ids:
            if recording_id in self._by_recording:
                return self._by_recording[recording_id]
        at_path = self._by_path.get(listen.path, ())
        if len(at_path) == 1:
            return at_path[0]
        key = (listen.artist, listen.title, listen.album)
        if key not in self._found:
            self._found[key] = self._named(*key)
        return self._found[key]

    def _named(self, artist: str, title: str, album: str) -> TrackRecord | None:
        if not artist or not title:
            return None
        tracks = self._by_title.get(_title_key(title), [])
        named = TrackRecord(0, "", artist=artist)
        artists, *artists_of = self._library.artists.of([named, *tracks])
        matching = [t for t, others in zip(tracks, artists_of, strict=True) if artists & others]
        album_key = fold_name(album)
        of_album = [track for track in matching if fold_name(track.album) == album_key]
        return next(iter([*of_album, *matching]), None)


def match_listens(
    finder: TrackFinder, listens: list[Listen]
) -> tuple[list[Event], Counter[tuple[str, str]]]:
    """The events of tracks of the library; the others by artist and title, counted."""
    events: list[Event] = []
    unmatched: Counter[tuple[str, str]] = Counter()
    for listen in listens:
        track = finder.track(listen)
        if track is None:
            unmatched[listen.artist, listen.title or (*listen.recording_ids, listen.path)[0]] += 1
        else:
            events.append(Event(track.id, listen.kind, listen.happened, listen.source))
    return events, unmatched


def _title_key(title: str) -> str:
    """A title without guests, letter case, accents and punctuation."""
    return fold_name(_GUESTS.sub("", title) or title)
