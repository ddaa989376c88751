"""The names of tracks between Lyrion and the library: paths below a folder of music.

A track of a CUE sheet is `FILE.CUE_TRACK.NUMBER`. A name is compared with the catalogue and opens
no file, and only tracks below the folders have a name.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePath

from embedder.errors import NotFound, printable_path
from index.catalogue.records import TrackRecord
from index.library import Library

_CUE = ".CUE_TRACK."
_NUMBER = re.compile(r"[0-9]{1,6}")


class Names:
    """Names of the tracks of an open library. Lyrion and the library see the same folders."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders

    def tracks(self, library: Library, names: Iterable[str]) -> list[TrackRecord]:
        """The tracks that are named, each once, without those that the library does not have."""
        tracks = (self._track(library, name) for name in names)
        by_id = {track.id: track for track in tracks if track is not None}
        return list(by_id.values())

    def name_of(self, library: Library, track: TrackRecord) -> str | None:
        """The name of a track; None outside the folders, and for a name of two lines."""
        path = PurePath(track.path)
        for folder in self._folders:
            if path.is_relative_to(folder):
                name = path.relative_to(folder).as_posix()
                is_part = track.start_seconds is not None
                name += f"{_CUE}{_number_of(library, track)}" if is_part else ""
                return name if _is_sendable(name) else None
        return None

    def has_name_in(self, library: Library) -> Callable[[TrackRecord], bool]:
        """Whether a track has a name."""
        return lambda track: self.name_of(library, track) is not None

    def _track(self, library: Library, name: str) -> TrackRecord | None:
        file, _, number = name.partition(_CUE)
        if "\0" in file or ".." in PurePath(file).parts or PurePath(file).is_absolute():
            return None
        for folder in self._folders:
            parts = library.catalogue.tracks_at(folder / file)
            if len(parts) > 1 and _NUMBER.fullmatch(number):
                numbered = [part for part in parts if _number_of(library, part) == int(number)]
                return numbered[0] if numbered else None
            if parts:
                return parts[0]
        return None


def music_folder(path: Path) -> Path:
    """An absolute folder; raises NotFound if there is none."""
    if not path.is_dir():
        raise NotFound(f"{printable_path(path)}: no such folder. Give --lyrion its music folder.")
    return path.absolute()


def _number_of(library: Library, track: TrackRecord) -> int:
    """The number of a part of a file: that of its tags, otherwise its place."""
    if track.track_number is not None:
        return track.track_number
    parts = library.catalogue.tracks_at(Path(track.path))
    return [part.id for part in parts].index(track.id) + 1


def _is_sendable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "\n" not in name and "\r" not in name
