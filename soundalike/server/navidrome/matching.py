"""Which track of the library is which song of Navidrome.

By path (the end that both have in common names one file), otherwise by MusicBrainz recording id,
otherwise by artist, title and length. A track or a song that has no partner is listed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from index.catalogue.records import TrackRecord
from soundalike.server.navidrome.crawl import NavidromeSong

SECONDS_APART = 3.0
FEWEST_PARTS = 2
"""A file's name alone, such as `01.mp3`, says too little: its folder must agree too."""


@dataclass(frozen=True, slots=True)
class SongMap:
    """Songs by track and tracks by song, and the songs without a track."""

    song_of: Mapping[int, NavidromeSong]
    track_of: Mapping[str, int]
    unmatched: tuple[NavidromeSong, ...]


def match_songs(
    songs: Iterable[NavidromeSong],
    tracks: Iterable[TrackRecord],
    musicbrainz_ids: Mapping[int, tuple[str, ...]],
) -> SongMap:
    """The partners; each track and each song has at most one."""
    tracks = list(tracks)
    by_end: dict[tuple[str, ...], list[int]] = defaultdict(list)
    by_names: dict[tuple[str, str], list[TrackRecord]] = defaultdict(list)
    by_recording = {mbid: key for key, mbids in musicbrainz_ids.items() for mbid in mbids}
    for track in tracks:
        by_end[_end(track.path)].append(track.id)
        by_names[_names(track.artist, track.title)].append(track)
    song_of: dict[int, NavidromeSong] = {}
    track_of: dict[str, int] = {}
    unmatched = []
    for song in songs:
        candidates = [
            _only(by_end[_end(song.path)]) if len(_end(song.path)) == FEWEST_PARTS else None,
            by_recording.get(song.musicbrainz_id) if song.musicbrainz_id else None,
            _by_names(song, by_names),
        ]
        free = [key for key in candidates if key is not None and key not in song_of]
        if free:
            song_of[free[0]] = song
            track_of[song.id] = free[0]
        else:
            unmatched.append(song)
    return SongMap(song_of, track_of, tuple(unmatched))


def _by_names(
    song: NavidromeSong, by_names: Mapping[tuple[str, str], list[TrackRecord]]
) -> int | None:
    if not song.title:
        return None
    near = [
        track.id
        for track in by_names.get(_names(song.artist, song.title), ())
        if song.seconds is None
        or track.duration_seconds is None
        or abs(track.duration_seconds - song.seconds) <= SECONDS_APART
    ]
    return _only(near)


def _only(keys: list[int]) -> int | None:
    return keys[0] if len(keys) == 1 else None


def _end(path: str) -> tuple[str, ...]:
    """The last folder and the name of a path."""
    return tuple(PurePath(path.replace("\\", "/")).parts[-FEWEST_PARTS:])


def _names(artist: str, title: str) -> tuple[str, str]:
    return artist.casefold().strip(), title.casefold().strip()
