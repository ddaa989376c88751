"""What an import of shards asks about single places, with nothing of them in memory.

A temporary table: SQLite keeps it in a file of its own, which goes with the connection.
"""

from collections.abc import Iterable

from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import PathKey

_TABLE = """CREATE TEMP TABLE arrivals (
    key BLOB PRIMARY KEY,
    vectors_ns INTEGER NOT NULL,
    failed_ns INTEGER NOT NULL,
    vectors_taken INTEGER NOT NULL DEFAULT 0,
    failed_taken INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID"""


class Arrivals:
    """When each place was last analysed, and when it last failed."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._database = catalogue.database
        self._database.run("DROP TABLE IF EXISTS temp.arrivals")
        self._database.run(_TABLE)

    def note(self, rows: Iterable[tuple[PathKey, bool]], written_ns: int) -> None:
        """The places of a shard, and whether each has failed."""
        self._database.run_many(
            "INSERT INTO temp.arrivals (key, vectors_ns, failed_ns) VALUES (?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET vectors_ns = max(vectors_ns, excluded.vectors_ns), "
            "failed_ns = max(failed_ns, excluded.failed_ns)",
            [
                (key, 0 if has_failed else written_ns, written_ns if has_failed else 0)
                for key, has_failed in rows
            ],
        )

    def take(self, key: PathKey, written_ns: int, *, has_failed: bool) -> bool:
        """Whether a row is the newest of its place; True once. A failure before vectors is old."""
        name = "failed" if has_failed else "vectors"
        rows = self._database.rows(
            f"UPDATE temp.arrivals SET {name}_taken = 1 WHERE key = ? AND NOT {name}_taken "
            f"AND {name}_ns = ? AND {name}_ns >= vectors_ns RETURNING 1",
            (key, written_ns),
        )
        return bool(rows)

    def stat_at(self, path: bytes, part: int) -> tuple[int, int, int, bool] | None:
        """Id, size, time of change and whether it is gone, of the track at a place."""
        rows = self._database.rows(
            "SELECT id, size_bytes, modified_ns, is_gone FROM tracks WHERE path = ? AND part = ?",
            (path, part),
        )
        return rows[0] if rows else None
