"""What players say about songs: plays and stars are stored as the listener's events.

A play that begins (`submission=false`) is not stored. While another process writes to the library,
events wait in its folder, see `index.taste.waiting`.
"""

import time
from contextlib import closing
from datetime import UTC, datetime

from index.catalogue.event_rows import EventKind
from index.catalogue.records import TrackRecord
from index.taste.request import EventRequest
from soundalike.server.rest.replies import MISSING_PARAMETER, SubsonicError, Value
from soundalike.server.rest.visit import Visit

Payload = dict[str, Value]
SOURCE = "subsonic"
MAX_SONGS = 1000


def scrobble(visit: Visit) -> Payload:
    """Plays of songs, each with its time in milliseconds since 1970 if the player says it."""
    tracks = _songs(visit, visit.texts("id"))
    if not tracks:
        raise SubsonicError(MISSING_PARAMETER, "the parameter id is missing")
    times = [_seconds(text) for text in visit.texts("time")]
    if visit.text("submission", "true").lower() != "false":
        times += [time.time()] * (len(tracks) - len(times))
        _store(visit, tracks, "play", times)
    return {}


def star(visit: Visit) -> Payload:
    """Like songs, and all songs of albums."""
    tracks = _starred_songs(visit)
    _store(visit, tracks, "like", [time.time()] * len(tracks))
    return {}


def unstar(visit: Visit) -> Payload:
    """Delete the likes of songs, and of all songs of albums."""
    ids = [track.id for track in _starred_songs(visit)]
    with closing(visit.to_write()) as library:
        library.taste.forget(ids, kind="like")
    return {}


def get_starred(visit: Visit) -> Payload:
    """The songs that are liked, the latest first. Albums and artists have no stars."""
    with closing(visit.to_write()) as library:  # a reader of the pool may not see the last star
        likes = library.catalogue.events.last_times("like")
    songs = [
        {**visit.song(track), "starred": _iso(likes[track.id])}
        for track in visit.library.tracks(list(likes))
    ]
    return {"starred2": {"artist": [], "album": [], "song": songs}}


def _starred_songs(visit: Visit) -> list[TrackRecord]:
    tracks = _songs(visit, visit.texts("id"))
    for album_id in visit.texts("albumId"):
        tracks += visit.album(album_id).tracks
    if visit.texts("artistId"):
        raise SubsonicError(MISSING_PARAMETER, "artists have no stars: star songs or albums")
    if not tracks:
        raise SubsonicError(MISSING_PARAMETER, "the parameter id is missing")
    return tracks


def _songs(visit: Visit, ids: list[str]) -> list[TrackRecord]:
    if len(ids) > MAX_SONGS:
        raise SubsonicError(MISSING_PARAMETER, f"at most {MAX_SONGS} songs at once")
    tracks = []
    for song_id in ids:
        is_album = song_id.startswith("al-")  # some players put albums there
        tracks += visit.album(song_id).tracks if is_album else [visit.track(song_id)]
    return tracks


def _store(visit: Visit, tracks: list[TrackRecord], kind: EventKind, times: list[float]) -> None:
    requests = [
        EventRequest(track.id, kind, happened, SOURCE)
        for track, happened in zip(tracks, times, strict=False)
    ]
    with closing(visit.to_write()) as library:
        library.taste.record_soon(requests)


def _seconds(milliseconds: str) -> float:
    if not (milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 16):
        raise SubsonicError(MISSING_PARAMETER, "time: give milliseconds since 1970")
    return int(milliseconds) / 1000


def _iso(seconds: int) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat().replace("+00:00", "Z")
