"""Which tracks of the library the entries of a playlist are.

An entry is found by its path, or by its path without links, or by the end of its path: the
playlist may come from a machine with the music in another folder. All entries are looked up
together, so that a playlist of 100,000 entries takes a second or two.
"""

import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from index.catalogue.catalogue import Catalogue
from index.catalogue.records import TrackRecord
from index.playlists.files.entries import PlaylistEntry

MIN_SAME_PARTS = 2
"""On another machine's path, the file's name and its folder's must match."""
LONGEST_PATH = 4096
"""Linux opens no longer path."""


def tracks_of_entries(
    catalogue: Catalogue, entries: Sequence[PlaylistEntry]
) -> list[TrackRecord | None]:
    """The track of each entry; None if it is not in the library."""
    paths = {entry.path for entry in entries if not entry.is_stream}
    by_path = catalogue.tracks_by_path(paths)
    _add_links(catalogue, by_path, paths - by_path.keys())
    _add_same_endings(catalogue, by_path, paths - by_path.keys())
    return [
        _part_at(by_path[entry.path], entry.start_seconds) if entry.path in by_path else None
        for entry in entries
    ]


TracksByPath = dict[str, list[TrackRecord]]


def _add_links(catalogue: Catalogue, by_path: TracksByPath, missing: Iterable[str]) -> None:
    """Add the paths that lead to a track through links."""
    real_paths = _RealPaths()
    resolved = {path: real_paths.of(path) for path in missing if len(path) < LONGEST_PATH}
    changed = {path: real_path for path, real_path in resolved.items() if real_path != path}
    _add(catalogue, by_path, changed)


def _add_same_endings(catalogue: Catalogue, by_path: TracksByPath, missing: Iterable[str]) -> None:
    """Add the paths that end like exactly one path of the library."""
    missing = list(missing)
    if missing:
        endings = _Endings(catalogue.paths())
        matches = {path: endings.only_match(path) for path in missing}
        _add(catalogue, by_path, {path: match for path, match in matches.items() if match})


def _add(catalogue: Catalogue, by_path: TracksByPath, other_paths: dict[str, str]) -> None:
    at_others = catalogue.tracks_by_path(other_paths.values())
    for path, other_path in other_paths.items():
        if other_path in at_others:
            by_path[path] = at_others[other_path]


class _RealPaths:
    """`os.path.realpath` of many absolute paths: each folder is looked at once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, bool]] = {}
        """By path: the path without links, and whether it exists."""

    def of(self, path: str) -> str:
        """The path with its links resolved; a path that does not exist keeps its last parts."""
        folder = path[: path.rfind("/")]
        if self._known.get(folder) == (folder, False):
            return path
        return self._resolved(path)

    def _resolved(self, path: str) -> str:
        unknown: list[str] = []
        while path not in self._known:
            folder, _ = os.path.split(path)
            if folder == path:  # the root
                self._known[path] = (path, True)
            else:
                unknown.append(path)
                path = folder
        real_path, exists = self._known[path]
        for below in reversed(unknown):
            real_path = os.path.join(real_path, os.path.split(below)[1])  # noqa: PTH118 - fast
            exists = exists and os.path.lexists(real_path)
            if exists and os.path.islink(real_path):  # noqa: PTH114 - fast
                real_path = os.path.realpath(real_path)
            self._known[below] = (real_path, exists)
        return real_path


class _Endings:
    """The paths of a library, sorted by their parts from the last to the first."""

    def __init__(self, paths: Iterable[str]) -> None:
        keyed_paths = sorted((_parts_from_end(path), path) for path in set(paths))
        self._keys = [key for key, _ in keyed_paths]
        self._paths = [path for _, path in keyed_paths]
        self._names = {key[0] for key in self._keys}

    def only_match(self, path: str) -> str | None:
        """The path that shares the most parts at its end; None if several do, or too few parts."""
        if _with_slashes(path).rpartition("/")[2] not in self._names:
            return None
        parts = _parts_from_end(path)
        # Paths with the same end stand side by side, so two on each side are enough.
        position = bisect_left(self._keys, parts)
        around = range(max(position - 2, 0), min(position + 2, len(self._keys)))
        n_same = {place: _n_same_parts(self._keys[place], parts) for place in around}
        best = max(n_same.values(), default=0)
        places = [place for place, n_parts in n_same.items() if n_parts == best]
        return self._paths[places[0]] if best >= MIN_SAME_PARTS and len(places) == 1 else None


def _parts_from_end(path: str) -> tuple[str, ...]:
    return tuple(reversed(_with_slashes(path).split("/")))


def _with_slashes(path: str) -> str:
    return path.casefold().replace(os.sep, "/")


def _n_same_parts(first: Sequence[str], second: Sequence[str]) -> int:
    """The number of equal parts at the start of two paths that were turned around."""
    n_same = 0
    for part, other in zip(first, second, strict=False):
        if part != other:
            break
        n_same += 1
    return n_same


def _part_at(parts: Sequence[TrackRecord], start_seconds: float | None) -> TrackRecord:
    if len(parts) == 1:
        return parts[0]
    return min(parts, key=lambda part: abs((part.start_seconds or 0.0) - (start_seconds or 0.0)))
