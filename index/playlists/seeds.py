"""The tracks of a playlist request: files, ids, folders, playlists."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from embedder.errors import NotFound, UsageError, printable_path
from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.library_folder.places import places_of
from index.playlists.entry_tracks import tracks_of_entries
from index.playlists.files.files import is_playlist_file, read_playlist
from index.search.asked import (
    QueryTrack,
    ResolvedTrack,
    encoded_tracks,
    resolve_records,
    resolve_tracks,
)

MAX_SEEDS = 2000
"""A larger folder is represented by evenly spaced tracks, at most this many."""


class Seeds:
    """Finds tracks; `notes` lists the tracks that are not in the library."""

    def __init__(self, library: OpenLibrary) -> None:
        self._library = library
        self.notes: list[str] = []

    def named(self, texts: Iterable[str]) -> list[QueryTrack]:
        """The named tracks, each once, with their vectors."""
        resolved: list[ResolvedTrack] = []
        for text in texts:
            path = Path(text)
            if not text:
                raise UsageError("an empty name: give a file, an id, a folder or a playlist")
            if path.is_dir():
                resolved += resolve_records(self._library, self.in_folder(path))
            elif is_playlist_file(path) and path.exists():
                resolved += resolve_records(self._library, self.in_playlist(path))
            else:
                resolved += resolve_tracks(self._library, [text])
        return encoded_tracks(self._library, resolved)

    def first(self, text: str) -> QueryTrack:
        """The named track; the first one if the name stands for several."""
        return self.named([text])[0]

    def with_vectors(self, records: Sequence[TrackRecord]) -> list[QueryTrack]:
        """Tracks of the library, with their vectors."""
        return encoded_tracks(self._library, resolve_records(self._library, records))

    def in_playlist(self, path: Path) -> list[TrackRecord]:
        """The tracks of the library that a playlist lists; raises NotFound if there are none."""
        records = [record for record in self.judged(path) if record is not None]
        if not records:
            raise NotFound(f"{printable_path(path)}: none of its tracks is in the library")
        return records

    def judged(self, path: Path) -> list[TrackRecord | None]:
        """Each entry of a playlist as a track of the library; None if it is not there."""
        entries = read_playlist(path)
        records = tracks_of_entries(self._library.catalogue, entries)
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
        by_path = self._library.catalogue.tracks_by_path(paths)
        return {part.id for parts in by_path.values() for part in parts}

    def in_folder(self, folder: Path) -> list[TrackRecord]:
        """The tracks of the library in a folder; of very many, an even sample."""
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
        return self._library.tracks(ids[::step])
