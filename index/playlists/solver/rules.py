"""What a playlist holds to, whatever its kind. Pure: records in, marks out.

A track is seen as a `Mark`: its artist, album, song and recording. Equal ones are the same; what
the tags do not say is different from everything.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from embedder.errors import UsageError
from index.catalogue.records import TrackRecord
from index.playlists.solver.versions import main_artist, version_key


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


@dataclass(frozen=True, slots=True)
class Mark:
    """What rules know a track by."""

    artist: Hashable
    album: Hashable
    """Its name alone, as in searches: a compilation is one album of many artists."""
    song: Hashable
    recording: Hashable


class Marks:
    """The marks of tracks, made when they are asked for: most candidates are never looked at."""

    def __init__(self, tracks: Sequence[TrackRecord]) -> None:
        self._tracks = tracks
        self._known: dict[int, Mark] = {}

    def __len__(self) -> int:
        return len(self._tracks)

    def __getitem__(self, row: int) -> Mark:
        mark = self._known.get(row)
        if mark is None:
            mark = self._known[row] = mark_of(self._tracks[row], row)
        return mark

    def all(self) -> list[Mark]:
        """Each of them, with the tracks read at once."""
        if len(self._known) < len(self):
            self._known = {row: mark_of(track, row) for row, track in enumerate(self._tracks[:])}
        return [self._known[row] for row in range(len(self))]


def mark_of(track: TrackRecord, row: int) -> Mark:
    """The mark of a track, which is at a row of its own."""
    artist = main_artist(track.artist)
    album = track.album.casefold().strip()
    return Mark(
        artist=("artist", artist or row),
        album=("album", album or row),
        song=("song", version_key(track) or row),
        # One recording is one file's audio; parts of a file share it, but begin elsewhere.
        recording=("recording", track.audio_digest or track.path, track.start_seconds),
    )
