"""What measurers gave for each track: which measurer, which version, its fields and its data.

The values of fields stand in the table `measurements`, where filters find them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from embedder.features.measuring.records import Measured
from index.catalogue.database import Database


class MeasuredRows:
    """Records by track and measurer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, track_id: int, measured: Iterable[Measured]) -> None:
        """Store what measurers gave for a track, in place of what they gave before."""
        for record in measured:
            self._drop_fields(track_id, record.measurer)
            fields = record.values.fields
            self._database.run(
                "INSERT OR REPLACE INTO measured VALUES (?, ?, ?, ?, ?)",
                (track_id, record.measurer, record.version, " ".join(fields), record.values.data),
            )
            self._database.run_many(
                "INSERT OR REPLACE INTO measurements VALUES (?, ?, ?)",
                [(track_id, field, value) for field, value in fields.items()],
            )

    def put_nothing(self, track_id: int, versions: Mapping[str, int]) -> None:
        """Record that a track cannot be measured, so that it is not tried again."""
        self._database.run_many(
            "INSERT OR REPLACE INTO measured VALUES (?, ?, ?, '', x'')",
            [(track_id, name, version) for name, version in versions.items()],
        )

    def copy(self, source_id: int, track_id: int) -> None:
        """Give a track what was measured of another copy of its recording."""
        self._database.run(
            "INSERT OR REPLACE INTO measured SELECT ?, measurer, version, fields, data "
            "FROM measured WHERE track_id = ?",
            (track_id, source_id),
        )

    def drop(self, track_id: int) -> None:
        """Forget what was measured of a track; the values of fields stay."""
        self._database.run("DELETE FROM measured WHERE track_id = ?", (track_id,))

    def has(self, track_id: int, versions: Mapping[str, int]) -> bool:
        """Whether a track has a record of each measurer in this version."""
        rows = self._database.rows(
            "SELECT measurer, version FROM measured WHERE track_id = ?", (track_id,)
        )
        return versions.items() <= dict(rows).items()

    def lacking(self, versions: Mapping[str, int]) -> dict[int, tuple[str, ...]]:
        """By track that has a vector and is not gone: the measurers whose record it lacks."""
        names: dict[int, tuple[str, ...]] = {}
        for name, version in versions.items():
            for (track_id,) in self._database.rows(
                "SELECT id FROM tracks WHERE NOT is_gone "
                "AND EXISTS (SELECT 1 FROM vectors WHERE track_id = tracks.id) "
                "AND NOT EXISTS (SELECT 1 FROM measured WHERE track_id = tracks.id "
                "AND measurer = ? AND version = ?) ORDER BY id",
                (name, version),
            ):
                names[track_id] = (*names.get(track_id, ()), name)
        return names

    def waiting(self, measurer: str, version: int, *, mark: str) -> list[int]:
        """The tracks that a measurer has measured and that lack a mark of the same version."""
        rows = self._database.rows(
            "SELECT track_id FROM measured WHERE measurer = ?1 AND version = ?2 AND NOT EXISTS "
            "(SELECT 1 FROM measured AS marks WHERE marks.track_id = measured.track_id "
            "AND marks.measurer = ?3 AND marks.version = ?2) ORDER BY track_id",
            (measurer, version, mark),
        )
        return [row[0] for row in rows]

    def mark(self, mark: str, version: int, ids: Iterable[int]) -> None:
        """Record that something was done with the measurements of tracks."""
        self._database.run_many(
            "INSERT OR REPLACE INTO measured VALUES (?, ?, ?, '', x'')",
            [(track_id, mark, version) for track_id in ids],
        )

    def data(self, measurer: str, version: int, ids: Sequence[int]) -> dict[int, bytes]:
        """A measurer's data of tracks, if it gave any in this version."""
        by_track: dict[int, bytes] = {}
        for track_id in ids:
            for (data,) in self._database.rows(
                "SELECT data FROM measured WHERE track_id = ? AND measurer = ? AND version = ?",
                (track_id, measurer, version),
            ):
                if isinstance(data, bytes) and data:
                    by_track[track_id] = data
        return by_track

    def chunks(self, measurer: str, version: int, *, n_tracks: int) -> Iterator[dict[int, bytes]]:
        """A measurer's data of all tracks that are not gone, some tracks at a time."""
        after = -1
        while True:
            rows = self._database.rows(
                "SELECT id, data FROM tracks JOIN measured ON track_id = id AND measurer = ? "
                "AND version = ? WHERE id > ? AND NOT is_gone ORDER BY id LIMIT ?",
                (measurer, version, after, n_tracks),
            )
            if not rows:
                return
            yield {track_id: data for track_id, data in rows if isinstance(data, bytes) and data}
            after = rows[-1][0]

    def _drop_fields(self, track_id: int, measurer: str) -> None:
        rows = self._database.rows(
            "SELECT fields FROM measured WHERE track_id = ? AND measurer = ?", (track_id, measurer)
        )
        self._database.run_many(
            "DELETE FROM measurements WHERE track_id = ? AND field = ?",
            [(track_id, field) for (fields,) in rows for field in fields.split()],
        )
