"""Labels of data sets: which data sets a library takes labels from, and the labels of its tracks.

A link says which entry of a data set a track is. It stays when the file moves, and its labels stay
when the file's tags are read anew.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.catalogue.database import Database

Labels = tuple[tuple[str, str], ...]
"""Pairs of field and value."""


@dataclass(frozen=True, slots=True)
class LabelSource:
    """A data set that a library takes labels from."""

    id: int
    path: Path
    layout: str
    folders: tuple[Path, ...]
    """The indexed folders whose files its entries are matched with, by name or relative path."""


@dataclass(frozen=True, slots=True)
class LabelledTrack:
    """The entry of a data set that a track is, and its labels."""

    entry: str
    labels: Labels


class LabelRows:
    """The data sets and labels of a catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def exist(self) -> bool:
        """Whether any track has a label of a data set."""
        return bool(self._database.rows("SELECT 1 FROM labels LIMIT 1"))

    def sources(self) -> list[LabelSource]:
        """The data sets, oldest first."""
        rows = self._database.rows(
            "SELECT id, path, layout, folders FROM label_sources ORDER BY id"
        )
        return [
            LabelSource(
                source_id,
                Path(os.fsdecode(path)),
                layout,
                tuple(Path(os.fsdecode(folder)) for folder in folders.split(b"\0") if folder),
            )
            for source_id, path, layout, folders in rows
        ]

    def put_source(self, path: Path, layout: str, folders: Sequence[Path]) -> None:
        """Add a data set; one that is there already gets the new folders too."""
        known_folders = [
            folder for source in self.sources() if source.path == path for folder in source.folders
        ]
        all_folders = dict.fromkeys([*known_folders, *folders])
        self._database.run(
            "INSERT INTO label_sources (path, layout, folders) VALUES (?, ?, ?) ON CONFLICT (path) "
            "DO UPDATE SET layout = excluded.layout, folders = excluded.folders",
            (os.fsencode(path), layout, b"\0".join(map(os.fsencode, all_folders))),
        )

    def remove_sources(self) -> None:
        """Forget all data sets and their labels."""
        self._database.run("DELETE FROM label_sources")

    def tracks_of(self, source_id: int) -> dict[int, LabelledTrack]:
        """The tracks that a data set labels, by id."""
        labels: dict[int, list[tuple[str, str]]] = {}
        for track_id, field, value in self._database.rows(
            "SELECT track_id, field, value FROM labels WHERE source_id = ? ORDER BY 1, 2, 3",
            (source_id,),
        ):
            labels.setdefault(track_id, []).append((field, value))
        return {
            track_id: LabelledTrack(os.fsdecode(entry), tuple(labels.get(track_id, ())))
            for track_id, entry in self._database.rows(
                "SELECT track_id, entry FROM label_links WHERE source_id = ?", (source_id,)
            )
        }

    def replace(self, source_id: int, tracks: Mapping[int, LabelledTrack]) -> None:
        """Replace all labels of a data set."""
        if self.tracks_of(source_id) == tracks:
            return
        with self._database.transaction():
            for table in ("label_links", "labels"):
                self._database.run(f"DELETE FROM {table} WHERE source_id = ?", (source_id,))
            self._database.run_many(
                "INSERT INTO label_links VALUES (?, ?, ?)",
                [
                    (source_id, track_id, os.fsencode(track.entry))
                    for track_id, track in tracks.items()
                ],
            )
            self._database.run_many(
                "INSERT OR IGNORE INTO labels VALUES (?, ?, ?, ?)",
                [
                    (track_id, field, value, source_id)
                    for track_id, track in tracks.items()
                    for field, value in track.labels
                ],
            )

    def fields_of(self, source_id: int) -> dict[str, int]:
        """The fields of a data set, with the number of tracks that have each."""
        return dict(
            self._database.rows(
                "SELECT field, count(DISTINCT track_id) FROM labels WHERE source_id = ? "
                "GROUP BY field ORDER BY field",
                (source_id,),
            )
        )

    def places(self) -> dict[bytes, list[int]]:
        """The tracks of every file that is there, by path."""
        places: dict[bytes, list[int]] = {}
        for track_id, path in self._database.rows(
            "SELECT id, path FROM tracks WHERE NOT is_gone ORDER BY id"
        ):
            places.setdefault(path, []).append(track_id)
        return places
