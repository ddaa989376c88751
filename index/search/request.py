"""What a search asks for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedder.errors import UsageError
from index.taste.request import check_taste
from index.vectors.hubness import Correction


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search. Tracks are ids, paths of files inside or outside the library, words that one track
    has, or folders and playlists.

    text: a description, if the library's model reads text; it counts as one more track.
    """

    tracks: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    k: int = 10
    min_score: float | None = None
    where: str = ""
    per_artist: int | None = None
    per_album: int | None = None
    with_duplicates: bool = True
    start_seconds: float | None = None
    seconds: float | None = None
    correction: Correction | None = None
    """Against hubs; None: the library's, otherwise the model's."""
    explain: bool = False
    listen: bool = False
    """With `explain`: read the files of the nearest few tracks to find matching stretches anywhere
    in them, if the model stored one vector a track. It takes 0.4 s for a track of four minutes."""
    text: str = ""
    from_playlist: Path | None = None
    """A playlist, or a file of paths, whose tracks are query tracks too."""
    taste: float = 0.0
    """How much the listener's events change the order, from 0 to 1."""

    def __post_init__(self) -> None:
        check_tracks(self, "tracks", "minus")
        check_taste(self.taste)
        if not self.tracks and not self.text.strip() and self.from_playlist is None:
            raise UsageError("no track to search with: name a file or an id, or give a text")
        if self.explain and not self.tracks and self.from_playlist is None:
            raise UsageError("explain compares tracks: name a file or an id beside the text")
        for name in ("k", "per_artist", "per_album"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} = {value}: give 1 or more")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise UsageError(f"min_score = {self.min_score}: scores go from 0 to 1")


def check_tracks(request: Any, *fields: str) -> None:
    """Raise UsageError for a field that is not a tuple of texts: "12" would be tracks 1 and 2."""
    for field in fields:
        tracks = getattr(request, field)
        if isinstance(tracks, str):
            raise UsageError(f"{field}: give a tuple of tracks, not one text ({tracks!r})")
        if not isinstance(tracks, tuple | list):
            raise UsageError(f"{field}: give a tuple of tracks, not {type(tracks).__name__}")
        for track in tracks:
            if not isinstance(track, str):
                raise UsageError(
                    f"{field}: {track!r} is of type {type(track).__name__}; give ids and paths as "
                    "text"
                )
