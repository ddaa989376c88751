"""One request of a player: the library, the shelf and the parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from index.catalogue.records import TrackRecord
from index.catalogue.track_rows import file_sizes
from index.library import Library
from soundalike.server.media import media_type
from soundalike.server.rest.replies import MISSING_PARAMETER, NOT_FOUND, SubsonicError, Value
from soundalike.server.rest.shelf import Album, Shelf, track_number_of
from soundalike.server.rest.transcoding import Transcoders

MAX_COUNT = 500


@dataclass(frozen=True, slots=True)
class Visit:
    """What a handler may use."""

    library: Library
    shelf: Shelf
    parameters: Mapping[str, list[str]]
    to_write: Callable[[], Library]
    """Opens a library of its own to write to; close it."""
    transcoders: Transcoders

    def text(self, name: str, default: str | None = None) -> str:
        """A parameter; without a default it must be there."""
        values = self.parameters.get(name)
        if values:
            return values[0]
        if default is None:
            raise SubsonicError(MISSING_PARAMETER, f"the parameter {name} is missing")
        return default

    def texts(self, name: str) -> list[str]:
        """A parameter that may be given several times."""
        return self.parameters.get(name, [])

    def number(self, name: str, default: int, *, low: int = 0, high: int = MAX_COUNT) -> int:
        """A whole number within bounds."""
        text = self.text(name, str(default))
        try:
            value = int(text)
        except ValueError:
            raise SubsonicError(MISSING_PARAMETER, f"{name}: give a whole number") from None
        return min(max(value, low), high)

    def track(self, song_id: str) -> TrackRecord:
        """The track with a song's id."""
        number = track_number_of(song_id)
        records = self.library.tracks([number]) if number else []
        if not records:
            raise SubsonicError(NOT_FOUND, "no such song")
        return records[0]

    def album(self, album_id: str) -> Album:
        """The album with an id."""
        if album_id not in self.shelf.albums:
            raise SubsonicError(NOT_FOUND, "no such album")
        return self.shelf.albums[album_id]

    def kbps_of(self, track: TrackRecord) -> int | None:
        """The mean bit rate of a song's file; None if it is not known."""
        size_bytes, seconds = self._size_bytes(track), track.duration_seconds
        if not size_bytes or not seconds or track.start_seconds is not None:
            return None
        return round(size_bytes * 8 / seconds / 1000)

    def _size_bytes(self, track: TrackRecord) -> int | None:
        return file_sizes(self.library.catalogue.database, [track.id]).get(track.id)

    def song(self, track: TrackRecord) -> dict[str, Value]:
        """A track as players read it."""
        path = Path(track.path)
        album = self.shelf.album_of(track)
        suffix = path.suffix.lower().lstrip(".")
        seconds = track.duration_seconds
        return {
            "id": f"tr-{track.id}",
            "parent": album.id if album else None,
            "isDir": False,
            "title": track.title or path.stem,
            "album": track.album or None,
            "artist": track.artist or None,
            "track": track.track_number,
            "year": track.year,
            "genre": track.genre or None,
            "coverArt": f"tr-{track.id}",
            "size": self._size_bytes(track),
            "contentType": media_type(path),
            "suffix": suffix,
            "duration": None if seconds is None else round(seconds),
            "bitRate": self.kbps_of(track),
            "path": _shown_path(track, album),
            "isVideo": False,
            "albumId": album.id if album else None,
            "artistId": album.artist_id if album else None,
            "type": "music",
            "mediaType": "song",
        }


def album_entry(album: Album) -> dict[str, Value]:
    """An album as players read it, without its songs."""
    return {
        "id": album.id,
        "name": album.name,
        "title": album.name,
        "album": album.name,
        "isDir": True,
        "artist": album.artist,
        "artistId": album.artist_id,
        "parent": album.artist_id,
        "coverArt": album.id,
        "songCount": len(album.tracks),
        "duration": round(album.seconds),
        "created": datetime.fromtimestamp(0, UTC).isoformat().replace("+00:00", "Z"),
        "year": album.year,
        "genre": album.genre,
    }


def _shown_path(track: TrackRecord, album: Album | None) -> str:
    """A path that names no folder of this machine."""
    name = Path(track.path).name
    if album is None:
        return name
    parts = (album.artist, album.name)
    return "/".join([*(part.replace("/", "_") for part in parts), name])
