"""What an import of shards asks about single places, with nothing of them in memory.

A temporary table: SQLite keeps it in a file of its own, which goes with the connection.
"""

from collections.abc import Iterable, Iterator

from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import PathKey, place_of

_TABLE = """CREATE TEMP TABLE arrivals (
    path BLOB NOT NULL,
    part INTEGER NOT NULL,
    vectors_ns INTEGER NOT NULL DEFAULT 0,
    failed_ns INTEGER NOT NULL DEFAULT 0,
    vectors_taken INTEGER NOT NULL DEFAULT 0,
    failed_taken INTEGER NOT NULL DEFAULT 0,
    is_gone INTEGER NOT NULL DEFAULT 0,
    is_kept INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (path, part)
) WITHOUT ROWID"""


class Arrivals:
    """When each place was last analysed, when it last failed, and whether its file is gone."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._database = catalogue.database
        self._database.run("DROP TABLE IF EXISTS temp.arrivals")
        self._database.run(_TABLE)

    def note(self, rows: Iterable[tuple[PathKey, bool]], written_ns: int) -> None:
        """The places of a shard, and whether each has failed."""
        self._database.run_many(
            "INSERT INTO temp.arrivals (path, part, vectors_ns, failed_ns) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (path, part) DO UPDATE SET "
            "vectors_ns = max(vectors_ns, excluded.vectors_ns), "
            "failed_ns = max(failed_ns, excluded.failed_ns)",
            [
                (*place_of(key), 0 if has_failed else written_ns, written_ns if has_failed else 0)
                for key, has_failed in rows
            ],
        )

    def note_gone(self, rows: Iterable[tuple[PathKey, bool]], written_ns: int) -> None:
        """Places whose files are gone, unless a later shard has them, and which to keep."""
        self._database.run_many(
            "UPDATE temp.arrivals SET is_gone = 1, is_kept = ? "
            "WHERE path = ? AND part = ? AND max(vectors_ns, failed_ns) <= ?",
            [(is_kept, *place_of(key), written_ns) for key, is_kept in rows],
        )

    def take(self, key: PathKey, written_ns: int, *, has_failed: bool) -> bool:
        """Whether a row is the newest of its place; True once. A failure before vectors is old.

        A row whose file is gone is none.
        """
        name = "failed" if has_failed else "vectors"
        rows = self._database.rows(
            f"UPDATE temp.arrivals SET {name}_taken = 1 WHERE path = ? AND part = ? "
            f"AND NOT is_gone AND NOT {name}_taken "
            f"AND {name}_ns = ? AND {name}_ns >= vectors_ns RETURNING 1",
            (*place_of(key), written_ns),
        )
        return bool(rows)

    def stat_at(self, path: bytes, part: int) -> tuple[int, int, int, bool] | None:
        """Id, size, time of change and whether it is gone, of the track at a place."""
        rows = self._database.rows(
            "SELECT id, size_bytes, modified_ns, is_gone FROM tracks WHERE path = ? AND part = ?",
            (path, part),
        )
        return rows[0] if rows else None

    def track_of(self, audio_digest: bytes) -> tuple[int, bool] | None:
        """A track of a recording, and whether its file is gone: one of those if there are any."""
        rows = self._database.rows(
            "SELECT tracks.id, coalesce(arrivals.is_gone, tracks.is_gone) AS is_free FROM tracks "
            "LEFT JOIN temp.arrivals USING (path, part) WHERE audio_digest = ? "
            "ORDER BY is_free DESC, tracks.id LIMIT 1",
            (audio_digest,),
        )
        return (rows[0][0], bool(rows[0][1])) if rows else None

    def gone(self) -> Iterator[list[tuple[int, bool, bool]]]:
        """The library's tracks whose files are gone: id, whether it is marked, and is to be kept.

        Some hundreds at a time. What is given may be removed.
        """
        last_id = 0
        while rows := self._database.rows(
            "SELECT tracks.id, tracks.is_gone, arrivals.is_kept FROM tracks "
            "JOIN temp.arrivals USING (path, part) WHERE arrivals.is_gone AND tracks.id > ? "
            "ORDER BY tracks.id LIMIT 512",
            (last_id,),
        ):
            yield [(row[0], bool(row[1]), bool(row[2])) for row in rows]
            last_id = rows[-1][0]

    def drop_failures_gone(self) -> None:
        """Forget the failures of files that are gone."""
        self._database.run(
            "DELETE FROM failures WHERE (path, part) IN "
            "(SELECT path, part FROM temp.arrivals WHERE is_gone)"
        )
