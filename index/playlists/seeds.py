"""The tracks of a playlist request: files, ids, folders, playlists."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from embedder.errors import NotFound, UsageError, printable_path
from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.library_folder.places import places_of, tracks_at
from index.playlists.files.entries import PlaylistEntry
from index.playlists.files.files import is_playlist_file, read_playlist
from index.search.asked import QueryTrack, query_tracks

MAX_SEEDS = 2000
"""A larger folder is represented by evenly spaced tracks, at most this many."""
MIN_SAME_PARTS = 2
"""On another machine's path, the file's name and its folder's must match."""


class Seeds:
    """Finds tracks; `notes` lists the tracks that are not in the library."""

    def __init__(self, library: OpenLibrary) -> None:
        self._library = library
        self._by_name: dict[str, list[str]] | None = None
        self.notes: list[str] = []

    def named(self, texts: Iterable[str]) -> list[QueryTrack]:
        """The named tracks, each once, with their vectors."""
        names: list[str] = []
        for text in texts:
            path = Path(text)
            if not text:
                raise UsageError("an empty name: give a file, an id, a folder or a playlist")
            if path.is_dir():
                names += self._in_folder(path)
            elif is_playlist_file(path) and path.exists():
                names += [str(record.id) for record in self.in_playlist(path)]
            else:
                names.append(text)
        return query_tracks(self._library, names)

    def first(self, text: str) -> QueryTrack:
        """The named track; the first one if the name stands for several."""
        return self.named([text])[0]

    def with_vectors(self, records: Sequence[TrackRecord]) -> list[QueryTrack]:
        """Tracks of the library, with their vectors."""
        return query_tracks(self._library, [str(record.id) for record in records])

    def in_playlist(self, path: Path) -> list[TrackRecord]:
        """The tracks of the library that a playlist lists; raises NotFound if there are none."""
        records = [record for record in self.judged(path) if record is not None]
        if not records:
            raise NotFound(f"{printable_path(path)}: none of its tracks is in the library")
        return records

    def judged(self, path: Path) -> list[TrackRecord | None]:
        """Each entry of a playlist as a track of the library; None if it is not there."""
        entries = read_playlist(path)
        records = [self._record_of(entry) for entry in entries]
        missing = [e.path for e, record in zip(entries, records, strict=True) if record is None]
        if missing:
            self.notes.append(
                f"{printable_path(path)}: {len(missing)} of {len(entries)} tracks are not in the "
                f"library, such as {printable_path(missing[0])}"
            )
        return records

    def ids_listed(self, path: Path) -> set[int]:
        """The ids of all tracks in a file of paths; a path stands for all parts of its file."""
        paths = {record.path for record in self.judged(path) if record is not None}
        return {
            part.id
            for track_path in sorted(paths)
            for part in self._library.catalogue.tracks_at(Path(track_path))
        }

    def _record_of(self, entry: PlaylistEntry) -> TrackRecord | None:
        if entry.is_stream:
            return None
        catalogue = self._library.catalogue
        parts = tracks_at(catalogue, entry.path)
        if parts:
            return _part_at(parts, entry.start_seconds)
        alike = self._same_ending(entry.path)
        return _part_at(catalogue.tracks_at(Path(alike)), entry.start_seconds) if alike else None

    def _same_ending(self, path: str) -> str | None:
        """The only path of the library that ends like a path of another machine."""
        if self._by_name is None:
            self._by_name = {}
            for library_path in self._library.catalogue.paths():
                name = PurePath(library_path).name.casefold()
                self._by_name.setdefault(name, []).append(library_path)
        parts = [part.casefold() for part in PurePath(path).parts]
        same_name = self._by_name.get(parts[-1], []) if parts else []
        n_same = [
            _n_same_parts([part.casefold() for part in PurePath(candidate).parts], parts)
            for candidate in same_name
        ]
        best = max(n_same, default=0)
        is_sure = best >= MIN_SAME_PARTS and n_same.count(best) == 1
        return same_name[n_same.index(best)] if is_sure else None

    def _in_folder(self, folder: Path) -> list[str]:
        for place in places_of(folder):
            prefix = os.fsencode(place).rstrip(b"/") + b"/"
            ids = self._library.catalogue.ids_matching(
                "path >= ? AND path < ?",
                (prefix, prefix[:-1] + b"0"),  # 0 comes after / in ASCII
            )
            if len(ids):
                break
        else:
            raise UsageError(
                f"{printable_path(folder)}: no track of the library is in this folder. "
                "Run 'soundalike index' on it first."
            )
        step = -(-len(ids) // MAX_SEEDS)
        return [str(track_id) for track_id in ids[::step]]


def _part_at(parts: Sequence[TrackRecord], start_seconds: float | None) -> TrackRecord:
    return min(parts, key=lambda part: abs((part.start_seconds or 0.0) - (start_seconds or 0.0)))


def _n_same_parts(first: Sequence[str], second: Sequence[str]) -> int:
    """The number of equal parts at the end of two paths."""
    n_same = 0
    for part, other in zip(reversed(first), reversed(second), strict=False):
        if part != other:
            break
        n_same += 1
    return n_same
