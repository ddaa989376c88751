"""Which track of the library is which song of MPD.

MPD names files relative to its music folder. On MPD's own machine a client can ask for that folder,
and name other files by their full path. From another machine, the ends of the paths are compared.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary

FILE_SCHEME = "file://"
SECONDS_APART = 0.5


class Songs:
    """MPD's names of files, for one connection."""

    def __init__(self, client: Any, *, is_local: bool) -> None:
        from mpd import CommandError

        self._client = client
        self._is_local = is_local
        try:
            answer = client.config()  # MPD answers only clients at its socket
            self.root = answer if isinstance(answer, str) else answer.get("music_directory", "")
        except CommandError:
            self.root = ""
        self._learnt_roots: list[str] = []
        self._unknown: set[str] = set()

    def names_of(self, path: str) -> Iterator[str]:
        """What MPD may call a file of the library, the likeliest name first."""
        try:
            path.encode()
        except UnicodeEncodeError:
            return  # its protocol is UTF-8
        if "\n" in path:
            return
        if self.root and PurePath(path).is_relative_to(self.root):
            yield os.path.relpath(path, self.root)
        elif not self.root:
            yield from self._ends(path)
        if self._is_local:
            yield path

    def track_of(self, library: OpenLibrary, song: Mapping[str, str]) -> TrackRecord | None:
        """The track that a song of the queue is; None if the library does not have it."""
        name = song.get("file", "").removeprefix(FILE_SCHEME)
        if not name or name in self._unknown:
            return None
        for path in self._paths_of(name):
            tracks = library.catalogue.tracks_by_path([path]).get(path, [])
            if tracks:
                return _part(tracks, song.get("range", ""))
        found_path = self._by_end(library, name)
        if found_path is None:
            self._unknown.add(name)
            return None
        tracks = library.catalogue.tracks_by_path([found_path])[found_path]
        return _part(tracks, song.get("range", ""))

    def _paths_of(self, name: str) -> Iterator[str]:
        if name.startswith("/"):
            yield name
            return
        for root in [self.root] if self.root else self._learnt_roots:
            yield f"{root.rstrip('/')}/{name}"

    def _by_end(self, library: OpenLibrary, name: str) -> str | None:
        """The only path of the library that ends with a name; its folder is remembered."""
        if self.root or name.startswith("/") or "://" in name:
            return None
        paths = {path for path in library.catalogue.paths() if path.endswith(f"/{name}")}
        if len(paths) != 1:
            return None
        path = paths.pop()
        self._learnt_roots.append(path[: -len(name) - 1])
        return path

    def _ends(self, path: str) -> Iterator[str]:
        """The longest end of the path that is in MPD's database."""
        parts = PurePath(path).parts[1:]
        for first in range(len(parts)):
            end = "/".join(parts[first:])
            if self._client.find("file", end):
                yield end
                return


def _part(tracks: list[TrackRecord], played: str) -> TrackRecord | None:
    """The part of a file that is played, by its range such as `65.5-130`; a whole file is one."""
    if len(tracks) == 1:
        return tracks[0]
    start = played.partition("-")[0]
    try:
        seconds = float(start)
    except ValueError:
        return None
    near = [t for t in tracks if abs((t.start_seconds or 0) - seconds) < SECONDS_APART]
    return near[0] if near else None
