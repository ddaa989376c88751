"""What the limits of a mix need of each track: genres, tempo, artists and album."""

from collections.abc import Sequence
from dataclasses import dataclass

from index.catalogue.records import TrackRecord
from index.library import Library
from soundalike.server.lyrion.genres import Genres

VARIOUS = frozenset({"various", "various artists"})
TEMPO = "measured.tempo"


@dataclass(frozen=True, slots=True)
class Facts:
    """A track, and what the limits need of it."""

    track: TrackRecord
    genres: Genres
    """In lower case."""
    tempo: float
    """0: not measured."""
    artists: frozenset[str]
    album: tuple[str, str]
    """Its title and its artist, in lower case."""

    @property
    def title(self) -> str:
        """The title, for comparison."""
        return self.track.title.casefold().strip()

    @property
    def is_various(self) -> bool:
        """Whether the album is a collection of several artists."""
        return self.album[1] in VARIOUS


def facts_of(library: Library, tracks: Sequence[TrackRecord]) -> list[Facts]:
    """The facts of tracks, in their order."""
    if not tracks:
        return []
    ids = [track.id for track in tracks]
    genres = library.catalogue.field_values("genre", ids)
    tempos = library.catalogue.field_values(TEMPO, ids)
    album_artists = library.catalogue.field_values("albumartist", ids)
    artists = library.artists.of(tracks)
    return [
        Facts(
            track=track,
            genres=frozenset(
                name.strip().lower()
                for value in genres.get(track.id, (track.genre,))
                for name in value.split(";")
                if name.strip()
            ),
            tempo=float(tempos[track.id][0]) if track.id in tempos else 0.0,
            artists=names,
            album=(
                track.album.casefold(),
                album_artists.get(track.id, (track.artist,))[0].casefold(),
            ),
        )
        for track, names in zip(tracks, artists, strict=True)
    ]
