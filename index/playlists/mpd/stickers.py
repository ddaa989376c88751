"""Likes, ratings and plays that MPD's clients keep as stickers, as events of the library.

    like         2 like, 0 dislike, 1 neither       (myMPD)
    rating       0 to 10; from 8 on a like, up to 2 a dislike
    playCount    how often a song was played
    lastPlayed   when it was played last, in seconds since 1970

Likes and ratings have no times: an event gets the time at which its sticker was first seen. A
sticker that was taken back takes its event along. Of several plays only the last one has a time;
the others get the seconds before it. Plays are read when they are asked for, not while MPD is
followed: then they are counted already.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from index.catalogue.event_rows import EventKind
from index.catalogue.records import Json
from index.library_folder.open_library import OpenLibrary
from index.playlists.mpd.addresses import parse_address
from index.playlists.mpd.connection import connected
from index.playlists.mpd.songs import Songs
from index.taste.request import LATEST, EventRequest

SOURCE = "mpd-sticker"
PLAYS = "mpd-plays"
FOLLOWED = "mpd"
"""The source of plays that were counted while MPD was followed."""
LIKES: dict[str, EventKind | None] = {"0": "dislike", "1": None, "2": "like"}
LIKED_RATING = 8
DISLIKED_RATING = 2
HIGHEST_RATING = 10
A_DAY = 86400
"""A clock elsewhere may be ahead by so much."""
MAX_PLAYS = 1000
"""Of one song; a sticker may say anything."""


@dataclass(frozen=True, slots=True)
class StickerReport:
    """What became of the stickers."""

    n_read: int
    """Songs with a like or a rating that says something."""
    n_matched: int
    """Those that the library has."""
    n_added: int
    n_removed: int
    n_plays: int = 0
    """Plays that are new."""

    def to_json(self) -> Json:
        """The counts by their names."""
        return {
            "n_read": self.n_read,
            "n_matched": self.n_matched,
            "n_added": self.n_added,
            "n_removed": self.n_removed,
            "n_plays": self.n_plays,
        }


def read_stickers(library: OpenLibrary, address: str) -> StickerReport:
    """Store the likes, ratings and plays of an MPD; raises BadInput if it does not answer."""
    _, port = parse_address(address)
    with connected(address) as client:
        songs = Songs(client, is_local=port == 0)
        report = store_verdicts(library, songs, sticker_verdicts(client))
        return replace(report, n_plays=_store_plays(library, songs, _sticker_plays(client)))


def _sticker_plays(client: Any) -> dict[str, tuple[int, int]]:
    """How often songs were played, and when last, by MPD's names."""
    counts = {name: _whole(value, MAX_PLAYS) for name, value in _values(client, "playCount")}
    times = {name: _whole(value, LATEST) for name, value in _values(client, "lastPlayed")}
    plays = {name: (max(counts.get(name, 1), 1), last) for name, last in times.items()}
    latest = time.time() + A_DAY
    return {name: play for name, play in plays.items() if play[0] < play[1] < latest}


def _store_plays(library: OpenLibrary, songs: Songs, plays: Mapping[str, tuple[int, int]]) -> int:
    """Store the plays that are not there yet, and return their number."""
    stored = [e for e in library.catalogue.events.all() if e.kind == "play"]
    n_stored = Counter(e.track_id for e in stored if e.source in (PLAYS, FOLLOWED))
    new: list[EventRequest] = []
    for name, (count, last) in plays.items():
        track = songs.track_of(library, {"file": name})
        if track is None:
            continue
        n_new = count - n_stored[track.id]
        new += [EventRequest(track.id, "play", last - n, PLAYS) for n in range(n_new)]
    if not new:
        return 0
    with library.writing() as catalogue, catalogue.database.transaction():
        return catalogue.events.add(request.event() for request in new)


def sticker_verdicts(client: Any) -> dict[str, EventKind]:
    """What the stickers say about songs, by MPD's names; none if MPD keeps no stickers."""
    ratings = {name: _of_rating(value) for name, value in _values(client, "rating")}
    likes = {name: LIKES.get(value) for name, value in _values(client, "like")}
    both = {**ratings, **likes}
    return {name: kind for name, kind in both.items() if kind is not None}


def store_verdicts(
    library: OpenLibrary, songs: Songs, verdicts: Mapping[str, EventKind]
) -> StickerReport:
    """Bring the events that came from stickers up to date."""
    by_track: dict[int, EventKind] = {}
    for name, kind in verdicts.items():
        track = songs.track_of(library, {"file": name})
        if track is not None:
            by_track[track.id] = kind
    stored = library.catalogue.events.last_kinds(SOURCE)
    changed = {
        track_id: kind for track_id, kind in by_track.items() if stored.get(track_id) != kind
    }
    outdated = [track_id for track_id in stored if by_track.get(track_id) != stored[track_id]]
    requests = [EventRequest(track_id, kind, None, SOURCE) for track_id, kind in changed.items()]
    n_removed = 0
    if changed or outdated:
        with library.writing() as catalogue, catalogue.database.transaction():
            n_removed = catalogue.events.remove(ids=outdated, source=SOURCE) if outdated else 0
            catalogue.events.add(request.event() for request in requests)
    return StickerReport(len(verdicts), len(by_track), len(changed), n_removed)


def _values(client: Any, name: str) -> Iterator[tuple[str, str]]:
    """The songs with a sticker of a name, and its value."""
    from mpd import CommandError

    try:
        songs = list(client.sticker_find("song", "", name))
    except CommandError:  # no sticker_file in its configuration
        return
    for song in songs:
        yield song["file"], song.get("sticker", "").partition("=")[2].strip()


def _whole(value: str, highest: int) -> int:
    """A number of a sticker, at most `highest`; 0 for what is none."""
    is_number = value.isascii() and value.isdigit() and len(value) < 20
    return min(int(value), highest) if is_number else 0


def _of_rating(value: str) -> EventKind | None:
    if not (value.isascii() and value.isdigit()) or not 0 < int(value) <= HIGHEST_RATING:
        return None
    if int(value) >= LIKED_RATING:
        return "like"
    return "dislike" if int(value) <= DISLIKED_RATING else None
