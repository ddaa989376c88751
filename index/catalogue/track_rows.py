"""Rows of the table of tracks as records, with their types checked: SQLite takes any value."""

import json
import os
from collections.abc import Sequence
from functools import lru_cache

from embedder.errors import CorruptArtefact
from index.catalogue.database import Database, Row
from index.catalogue.recordings import Keys
from index.catalogue.records import TrackRecord

TRACK_COLUMNS = (
    "tracks.id, path, title, artist, album, genre, duration_seconds, year, track_number, "
    "start_seconds, end_seconds, audio_digest, is_gone"
)
LABELLED_COLUMNS = ("title", "artist", "album", "genre")
"""Columns with a file's own tags; a data set's labels replace them."""
_NUMBERS = (float, int, type(None))
TRACK_TYPES = (
    *((int,), (bytes,), (str,), (str,), (str,), (str,), _NUMBERS, _NUMBERS, _NUMBERS),
    *(_NUMBERS, _NUMBERS, (bytes,), (int,)),
)


def labelled_columns() -> str:
    """TRACK_COLUMNS with the labels of data sets in place of file tags, where a track has them."""
    columns = TRACK_COLUMNS
    for name in LABELLED_COLUMNS:
        columns = columns.replace(f" {name},", f" {labelled_column(name)},")
    return columns


def labelled_column(name: str) -> str:
    """The labels of data sets in place of one file tag, where a track has them."""
    return (
        "coalesce((SELECT group_concat(value, '; ') FROM labels "
        f"WHERE track_id = tracks.id AND field = '{name}'), {name})"
    )


def as_track(row: Row, keys: Keys) -> TrackRecord:
    """A row of TRACK_COLUMNS as a record; `keys` are the recordings of audio digests.

    Raises CorruptArtefact for a value of a wrong type.
    """
    if not _are_track_types(tuple(map(type, row))):
        raise CorruptArtefact(
            f"the catalogue is damaged: track {row[0]} has values of a wrong type. 'soundalike "
            f"library remove {row[0]}', then 'soundalike index' with its folder, mends it."
        )
    return TrackRecord(
        id=row[0],
        path=os.fsdecode(row[1]),
        title=row[2],
        artist=row[3],
        album=row[4],
        genre=row[5],
        duration_seconds=row[6],
        year=row[7],
        track_number=row[8],
        start_seconds=row[9],
        end_seconds=row[10],
        audio_digest=row[11].hex(),
        is_gone=bool(row[12]),
        recording=keys.get(row[11], row[11]).hex(),
    )


@lru_cache(maxsize=64)
def _are_track_types(types: tuple[type, ...]) -> bool:
    return all(kind in allowed for kind, allowed in zip(types, TRACK_TYPES, strict=True))


def file_state(database: Database, track_id: int) -> tuple[int, int] | None:
    """Size and time of change of a track's file, when it was read; None without such a track."""
    rows = database.rows("SELECT size_bytes, modified_ns FROM tracks WHERE id = ?", (track_id,))
    return (rows[0][0], rows[0][1]) if rows else None


def file_sizes(database: Database, ids: Sequence[int]) -> dict[int, int]:
    """The size of the file of each track, when it was read, by id."""
    rows = database.rows(
        "SELECT id, size_bytes FROM tracks WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    return dict(rows)
