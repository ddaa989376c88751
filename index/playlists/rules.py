"""What a playlist holds to, whatever its kind. Pure: records in, codes and counts out.

A track is seen as four numbers: its artist, album, song and recording. Equal numbers are the same
one; what the tags do not say is different from everything.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from os.path import dirname

import numpy as np
from numpy.typing import NDArray

from embedder.errors import UsageError
from index.playlists.versions import main_artist, version_key
from index.results import TrackRecord

Codes = NDArray[np.int32]

REASONS = ("duplicate", "version", "per-artist", "per-album", "spacing")
"""Why a track may not follow, in the order in which they are looked at."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits that hold for the whole list."""

    per_artist: int | None = None
    per_album: int | None = None
    spacing: int = 0
    """How many other tracks stand at least between two of one artist or album."""
    allow_versions: bool = False
    """Whether the live take of a song may come beside it; the same recording never comes twice."""

    def __post_init__(self) -> None:
        for name in ("per_artist", "per_album"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name.replace('_', '-')} {value}: give 1 or more")
        if self.spacing < 0:
            raise UsageError(f"spacing {self.spacing}: give 0 or more")


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Tracks as numbers: int32 [n] each."""

    artists: Codes
    albums: Codes
    songs: Codes
    recordings: Codes

    def __len__(self) -> int:
        return len(self.artists)


def marks_of(tracks: Sequence[TrackRecord]) -> Marks:
    """The numbers of tracks."""
    return Marks(
        artists=_codes(main_artist(track.artist) or None for track in tracks),
        albums=_album_codes(tracks),
        songs=_codes(version_key(track) for track in tracks),
        recordings=_codes(_recording(track) for track in tracks),
    )


def broken_rules(order: Sequence[int], marks: Marks, rules: Rules) -> list[tuple[int, str]]:
    """What an order breaks, found one pair after another: (place in the order, rule)."""
    broken: list[tuple[int, str]] = []
    for place, track in enumerate(order):
        before = order[:place]
        near = before[max(place - rules.spacing, 0) :]
        same_artist = [marks.artists[other] == marks.artists[track] for other in before]
        same_album = [marks.albums[other] == marks.albums[track] for other in before]
        if any(marks.recordings[other] == marks.recordings[track] for other in before):
            broken.append((place, "duplicate"))
        elif not rules.allow_versions and any(
            marks.songs[other] == marks.songs[track] for other in before
        ):
            broken.append((place, "version"))
        elif rules.per_artist is not None and sum(same_artist) >= rules.per_artist:
            broken.append((place, "per-artist"))
        elif rules.per_album is not None and sum(same_album) >= rules.per_album:
            broken.append((place, "per-album"))
        elif any(
            marks.artists[other] == marks.artists[track]
            or marks.albums[other] == marks.albums[track]
            for other in near
        ):
            broken.append((place, "spacing"))
    return broken


def _recording(track: TrackRecord) -> Hashable:
    """One recording is one file's audio; parts of a file share it, but begin elsewhere."""
    if track.audio_digest:
        return track.audio_digest, track.start_seconds
    return track.path, track.start_seconds


def _codes(keys: Iterable[Hashable]) -> Codes:
    """Equal keys get equal numbers; None is a new one each time."""
    known: dict[Hashable, int] = {}
    codes = []
    for position, key in enumerate(keys):
        codes.append(known.setdefault((position,) if key is None else (0, key), len(known)))
    return np.array(codes, dtype=np.int32)


def _album_codes(tracks: Sequence[TrackRecord]) -> Codes:
    """An album is a name, with one artist or in one folder: two "Greatest Hits" are two, a
    compilation is one.
    """
    leaders: dict[Hashable, Hashable] = {}

    def leader(key: Hashable) -> Hashable:
        while leaders.setdefault(key, key) != key:
            key = leaders[key]
        return key

    keys: list[Hashable] = []
    for track in tracks:
        name = track.album.casefold().strip()
        if not name:
            keys.append(None)
            continue
        by_folder = (name, "in", dirname(track.path))  # noqa: PTH120 - hundreds of them, quickly
        by_artist = (name, "by", main_artist(track.artist))
        leaders[leader(by_folder)] = leader(by_artist)
        keys.append(by_artist)
    return _codes(None if key is None else leader(key) for key in keys)
