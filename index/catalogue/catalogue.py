"""What a library knows, read from its catalogue: tracks, tags, models, failures, settings.

Paths are bytes in the database, as they are on disk: names that are no valid text stay themselves.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import GeometryKind
from embedder.errors import CorruptArtefact
from index.catalogue.database import Database, Row, Value
from index.catalogue.event_rows import EventRows
from index.catalogue.field_rows import SEARCHABLE, FieldRows
from index.catalogue.label_rows import LabelRows
from index.catalogue.measured_rows import MeasuredRows
from index.catalogue.recordings import RecordingRows
from index.catalogue.records import Failure, TrackRecord
from index.catalogue.revisions import CatalogueState, Revisions
from index.catalogue.setting_rows import SettingRows
from index.catalogue.track_rows import (
    TRACK_COLUMNS,
    as_track,
    labelled_columns,
)
from index.catalogue.vector_rows import VectorRows
from index.catalogue.words import WordRows
from index.vectors.distances import Space

IDS_PER_STATEMENT = 900
"""SQLite's oldest limit on the values of one statement is 999."""
MOST_LOOKED_UP = 5000
"""For more ids, reading all is quicker than looking each up."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model whose vectors the catalogue holds."""

    id: int
    fingerprint: str
    embedding_size: int
    geometry: str
    curvature: float

    @property
    def space(self) -> Space:
        """The geometry in which its vectors are compared."""
        return Space(cast("GeometryKind", self.geometry), self.curvature)


class Catalogue(FieldRows, SettingRows):
    """An open catalogue. `vectors` are its vectors; what changes it is in `ledger`.

    `labels` are those of data sets, `words` finds tracks by name, `measured` holds what was
    measured from the sound, `recordings` the pairs of copies, `events` what the listener did. Its
    fields are read with the methods of `FieldRows`.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.events = EventRows(database)
        self.labels = LabelRows(database)
        self.measured = MeasuredRows(database)
        self.recordings = RecordingRows(database)
        self.revisions = Revisions(database)
        self.vectors = VectorRows(database, self.revisions)
        self.words = WordRows(database)
        self._searchable: tuple[tuple[CatalogueState, int], NDArray[np.int64]] | None = None

    @classmethod
    def create_or_open(cls, path: Path, *, must_exist: bool = False) -> "Catalogue":
        """To write to, brought to the current format; see `Database.create_or_open`."""
        catalogue = cls(Database.create_or_open(path, must_exist=must_exist))
        catalogue.words.keep_up()
        return catalogue

    @classmethod
    def open_to_read(cls, path: Path) -> "Catalogue":
        """To read from, also while another process writes."""
        return cls(Database.open_to_read(path))

    @staticmethod
    def is_outdated(path: Path) -> bool:
        """Whether a catalogue has an older format, which opening it to write brings up to date."""
        return Database.is_outdated(path)

    def close(self) -> None:
        """Let go of the file."""
        try:
            self.words.seal()
        finally:
            self.database.close()

    def current_model(self) -> ModelRow | None:
        """The model that searches use; None in a library that has no vector yet."""
        rows = self.database.rows(
            "SELECT models.id, fingerprint, embedding_size, geometry, curvature FROM models "
            "JOIN settings ON key = 'current_model' AND value = models.id"
        )
        if not rows and self.setting("current_model") is not None:
            raise CorruptArtefact(self.database.damaged("it lacks the model that it names"))
        return self._as_model(rows[0]) if rows else None

    def model_with(
        self, fingerprint: str, *, embedding_size: int, geometry: str, curvature: float
    ) -> ModelRow:
        """The row of a model, made if it is new."""
        self.database.run(
            "INSERT INTO models (fingerprint, embedding_size, geometry, curvature) "
            "SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM models WHERE fingerprint = ?)",
            (fingerprint, embedding_size, geometry, curvature, fingerprint),
        )
        return self._as_model(self._model_rows(fingerprint)[0])

    def find_model(self, fingerprint: str) -> ModelRow | None:
        """The row of a model; None if the catalogue does not have it."""
        rows = self._model_rows(fingerprint)
        return self._as_model(rows[0]) if rows else None

    def _as_model(self, row: Row) -> ModelRow:
        model = ModelRow(*row)
        is_valid = (
            isinstance(model.embedding_size, int)
            and isinstance(model.curvature, float)
            and isinstance(model.fingerprint, str)
            and model.geometry in get_args(GeometryKind)
        )
        if not is_valid:
            raise CorruptArtefact(self.database.damaged("its model has values of a wrong type"))
        return model

    def _model_rows(self, fingerprint: str) -> list[Row]:
        return self.database.rows(
            "SELECT id, fingerprint, embedding_size, geometry, curvature FROM models "
            "WHERE fingerprint = ?",
            (fingerprint,),
        )

    @property
    def _track_columns(self) -> str:
        return labelled_columns() if self.labels.exist() else TRACK_COLUMNS

    def tracks(self, ids: Iterable[int]) -> list[TrackRecord]:
        """The tracks with these ids, in their order; unknown ids are left out."""
        wanted_ids = [int(track_id) for track_id in ids]
        by_id: dict[int, TrackRecord] = {}
        for start in range(0, len(wanted_ids), IDS_PER_STATEMENT):
            some = wanted_ids[start : start + IDS_PER_STATEMENT]
            marks = ",".join("?" * len(some))
            rows = self.database.rows(
                f"SELECT {self._track_columns} FROM tracks WHERE id IN ({marks})",
                some,
            )
            by_id |= {track.id: track for track in self._as_tracks(rows)}
        return [by_id[track_id] for track_id in wanted_ids if track_id in by_id]

    def all_tracks(self) -> Iterator[TrackRecord]:
        """Every track that can be searched, by id."""
        statement = f"SELECT {self._track_columns} FROM tracks {SEARCHABLE} ORDER BY tracks.id"
        for block in self.database.blocks(statement):
            yield from self._as_tracks(block)

    def tracks_at(self, path: Path) -> list[TrackRecord]:
        """The tracks of a file: one, or its parts in their order."""
        rows = self.database.rows(
            f"SELECT {self._track_columns} FROM tracks WHERE path = ? ORDER BY part",
            (os.fsencode(path),),
        )
        return self._as_tracks(rows)

    def tracks_by_path(self, paths: Iterable[str]) -> dict[str, list[TrackRecord]]:
        """The tracks of files by path, parts in their order; paths without tracks are left out."""
        names = [os.fsencode(path) for path in paths]
        by_path: dict[str, list[TrackRecord]] = {}
        columns = self._track_columns
        for start in range(0, len(names), IDS_PER_STATEMENT):
            some = names[start : start + IDS_PER_STATEMENT]
            marks = ",".join("?" * len(some))
            rows = self.database.rows(
                f"SELECT {columns} FROM tracks WHERE path IN ({marks}) ORDER BY part",
                some,
            )
            for track in self._as_tracks(rows):
                by_path.setdefault(track.path, []).append(track)
        return by_path

    def tracks_with_digest(self, digest_hex: str) -> list[TrackRecord]:
        """All tracks with equal audio."""
        rows = self.database.rows(
            f"SELECT {self._track_columns} FROM tracks WHERE audio_digest = ? ORDER BY id",
            (bytes.fromhex(digest_hex),),
        )
        return self._as_tracks(rows)

    def tracks_of_recording(self, key_hex: str) -> list[TrackRecord]:
        """All copies of a recording, by its key."""
        digests = self.recordings.digests_of(bytes.fromhex(key_hex))
        return [track for digest in digests for track in self.tracks_with_digest(digest.hex())]

    def _as_tracks(self, rows: list[Row]) -> list[TrackRecord]:
        keys = self.recordings.keys()
        return [as_track(row, keys) for row in rows]

    def file_states(self) -> dict[int, tuple[int, int]]:
        """Size and time of change, when it was read, of every file that can be searched, by id."""
        statement = f"SELECT tracks.id, size_bytes, modified_ns FROM tracks {SEARCHABLE}"
        return {row[0]: (row[1], row[2]) for row in self.database.rows(statement)}

    def digests(self, ids: Iterable[int] | None = None) -> dict[int, bytes]:
        """The audio digest of every track that can be searched, or of these tracks alone."""
        statement = f"SELECT tracks.id, audio_digest FROM tracks {SEARCHABLE}"
        if ids is None:
            return dict(self.database.rows(statement))
        listed = json.dumps(list(ids))
        only = " AND tracks.id IN (SELECT value FROM json_each(?))"
        return dict(self.database.rows(statement + only, (listed,)))

    def recording_keys(self, ids: Iterable[int] | None = None) -> dict[int, bytes]:
        """The recording, equal for copies, of every track that can be searched, or of these."""
        keys = self.recordings.keys()
        digests = self.digests(ids)
        return {track_id: keys.get(digest, digest) for track_id, digest in digests.items()}

    def paths(self) -> list[str]:
        """The paths of all tracks, for suggestions."""
        return [os.fsdecode(row[0]) for row in self.database.rows("SELECT path FROM tracks")]

    def ids_matching(self, condition: str, values: Sequence[Value] = ()) -> NDArray[np.int64]:
        """The ids of the tracks that can be searched and fit an SQL condition, ascending.

        The condition speaks of the columns of `tracks` and may ask `EXISTS (SELECT 1 FROM tags
        WHERE track_id = tracks.id AND field = ? AND value = ?)`. Never put a user's text into
        it: text goes into `values`.
        """
        rows = self.database.rows(
            f"SELECT tracks.id FROM tracks {SEARCHABLE} AND ({condition}) ORDER BY tracks.id",
            values,
        )
        return np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))

    def searchable_ids(self) -> NDArray[np.int64]:
        """The ids of the tracks that can be searched, ascending; read again only after a change."""
        # The revision tells of changes by this connection, `data_version` of those by others.
        state = (self.revisions.current(), int(self.database.rows("PRAGMA data_version")[0][0]))
        if self._searchable is not None and self._searchable[0] == state:
            return self._searchable[1]
        # One text of all ids: a row for each would take four times as long.
        text = self.database.rows(
            "SELECT group_concat(track_id) FROM vectors WHERE model_id = (SELECT value + 0 FROM "
            "settings WHERE key = 'current_model')"
        )[0][0]
        ids = np.sort(np.fromstring(text, np.int64, sep=",")) if text else np.empty(0, np.int64)
        gone = [row[0] for row in self.database.rows("SELECT id FROM tracks WHERE is_gone")]
        ids = np.setdiff1d(ids, gone, assume_unique=True) if gone else ids
        self._searchable = (state, ids)
        return ids

    def searchable_among(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some ids that can be searched, in their order."""
        if len(ids) > MOST_LOOKED_UP:
            return ids[np.isin(ids, self.searchable_ids(), assume_unique=True)]
        rows = self.database.rows(
            f"SELECT tracks.id FROM tracks {SEARCHABLE} "
            "AND tracks.id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids.tolist()),),
        )
        searchable = [row[0] for row in rows]
        return ids[np.isin(ids, searchable)]

    def failures(self) -> list[Failure]:
        """Files that could not be used, and why."""
        rows = self.database.rows("SELECT path, reason FROM failures ORDER BY path, part")
        return [Failure(os.fsdecode(path), reason, is_known=True) for path, reason in rows]

    def counts(self) -> dict[str, int]:
        """How many tracks can be searched, are gone, are further copies; how many failed."""
        count_rows = "SELECT count(*) FROM "
        n_tracks = int(self.database.rows(f"{count_rows} tracks {SEARCHABLE}")[0][0])
        sizes = Counter(self.recording_keys().values())
        return {
            "tracks": n_tracks,
            "duplicates": n_tracks - len(sizes),
            "copied": sum(size > 1 for size in sizes.values()),
            "gone": int(self.database.rows(f"{count_rows} tracks WHERE is_gone")[0][0]),
            "failures": int(self.database.rows(f"{count_rows} failures")[0][0]),
        }
