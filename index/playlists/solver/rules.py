"""The rules of every playlist. Pure: records in, marks out.

The rules see a track as a `Mark`: its artists, album, song and recording. Equal keys are the same
thing; a missing tag gets a key that equals no other.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from embedder.errors import UsageError
from index.catalogue.records import TrackRecord
from index.playlists.solver.versions import version_key

ArtistsOf = Callable[[Sequence[TrackRecord]], Sequence[frozenset[str]]]
"""The keys of the artists of tracks."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits for the whole playlist."""

    per_artist: int | None = None
    per_album: int | None = None
    spacing: int = 0
    """The least number of other tracks between two of one artist or album."""
    allow_versions: bool = False
    """Whether two versions of a song, such as a live take, are allowed; copies never are."""

    def __post_init__(self) -> None:
        for name in ("per_artist", "per_album"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name.replace('_', '-')} {value}: give 1 or more")
        if self.spacing < 0:
            raise UsageError(f"spacing {self.spacing}: give 0 or more")


@dataclass(frozen=True, slots=True)
class Mark:
    """The keys of a track that the rules use."""

    artists: tuple[Hashable, ...]
    """Never empty. Any artist in common counts as the same."""
    album: Hashable
    """Only its name, as in searches: a compilation is one album of many artists."""
    song: Hashable
    recording: Hashable

    @property
    def spaced(self) -> tuple[Hashable, ...]:
        """Its artists and its album, which may come again after the spacing."""
        return (*self.artists, self.album)


class Marks:
    """The marks of tracks, made when they are needed: most candidates never are."""

    def __init__(self, tracks: Sequence[TrackRecord], artists_of: ArtistsOf) -> None:
        self._tracks = tracks
        self._artists_of = artists_of
        self._marks: dict[int, Mark] = {}

    def __len__(self) -> int:
        return len(self._tracks)

    def __getitem__(self, row: int) -> Mark:
        mark = self._marks.get(row)
        if mark is None:
            track = self._tracks[row]
            mark = self._marks[row] = mark_of(track, self._artists_of([track])[0], row=row)
        return mark

    def all(self) -> list[Mark]:
        """All marks; the tracks are read together."""
        if len(self._marks) < len(self):
            tracks = self._tracks[:]
            pairs = zip(tracks, self._artists_of(tracks), strict=True)
            self._marks = {row: mark_of(*pair, row=row) for row, pair in enumerate(pairs)}
        return [self._marks[row] for row in range(len(self))]


def mark_of(track: TrackRecord, artists: frozenset[str], *, row: int) -> Mark:
    """The mark of a track; `row` makes the key of a missing tag unique."""
    album = track.album.casefold().strip()
    return Mark(
        artists=tuple(("artist", artist) for artist in sorted(artists)) or (("artist", row),),
        album=("album", album or row),
        song=("song", version_key(track) or row),
        recording=("recording", track.recording or track.path),
    )
