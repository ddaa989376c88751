"""The one file that opens SQLite: connections, transactions, migrations, errors in plain words."""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from embedder.errors import CorruptArtefact, LibraryBusy, StorageError, UnsupportedFormat
from index.catalogue.checksums import SQL_NAME, row_checksum
from index.catalogue.migrations import MIGRATIONS
from index.catalogue.sqlite_errors import damaged_text, explained

Value = int | float | str | bytes | None
Row = tuple[Any, ...]

BUSY_TIMEOUT_SECONDS = 10.0
logger = logging.getLogger(__name__)


class Database:
    """A catalogue file; every error of SQLite leaves it as one of ours."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._patience_seconds = 0.0
        self.before_commit: Callable[[], None] | None = None
        """Called at the end of each transaction, inside it."""
        self._connection = connection

    @classmethod
    def create_or_open(cls, path: Path, *, must_exist: bool = False) -> "Database":
        """A database to write to, brought to the current format.

        With `must_exist`, one that is missing or empty is a loss, not a beginning.
        """
        if must_exist and not path.exists():
            raise CorruptArtefact(damaged_text(path, "it is missing"))
        with explained(path):
            connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode = WAL")
            # In WAL mode a crash of the machine may undo the last batches, never damage the file.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            _add_functions(connection)
        database = cls(path, connection)
        if must_exist:
            database._refuse_empty()
        database._migrate()
        return database

    @classmethod
    def open_to_read(cls, path: Path) -> "Database":
        """A database to read from while another process may be writing."""
        database = cls(path, _opened_to_read(path))
        database._check_format()
        return database

    @classmethod
    def is_outdated(cls, path: Path) -> bool:
        """Whether a catalogue has an older format, which opening it to write brings up to date."""
        database = cls(path, _opened_to_read(path))
        try:
            return 0 < database.format < len(MIGRATIONS)
        finally:
            database.close()

    @classmethod
    def has_tables(cls, path: Path) -> bool:
        """Whether a catalogue is there; a run that was killed at its start leaves an empty file."""
        if not path.exists():
            return False
        database = cls(path, _opened_to_read(path))
        try:
            return database.format > 0
        finally:
            database.close()

    @property
    def format(self) -> int:
        """The number of the last migration that the file has been through."""
        return int(self.rows("PRAGMA user_version")[0][0])

    @property
    def change_mark(self) -> tuple[int, int]:
        """Differs from an earlier one if this or another process has changed something since."""
        version = int(self.rows("PRAGMA data_version")[0][0])
        return version, self._connection.total_changes

    def close(self) -> None:
        """Close it; the last writer to do so folds the log into the file."""
        self._connection.close()

    def rows(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """All rows of a query."""
        with explained(self.path):
            return self._connection.execute(statement, values).fetchall()

    def blocks(
        self, statement: str, values: Sequence[Value] = (), *, size: int = 8192
    ) -> Iterator[list[Row]]:
        """The rows of a query, some thousands at a time."""
        with explained(self.path):
            cursor = self._connection.execute(statement, values)
            while rows := cursor.fetchmany(size):
                yield rows

    def run(self, statement: str, values: Sequence[Value] = ()) -> int:
        """Change something; the id of the row that was inserted last."""
        with explained(self.path):
            return self._connection.execute(statement, values).lastrowid or 0

    def run_many(self, statement: str, values: Iterable[Sequence[Value]]) -> None:
        """The same change for many rows."""
        with explained(self.path):
            self._connection.executemany(statement, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing of it; blocks inside a block belong to it."""
        if self._connection.in_transaction:
            yield
            return
        self._begin()
        try:
            yield
            if self.before_commit is not None:
                self.before_commit()
        except BaseException:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise
        with explained(self.path):
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                if self._connection.in_transaction:
                    self._connection.rollback()
                raise

    @contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """Transactions in the block wait so much longer for another program's lock."""
        self._patience_seconds = seconds
        try:
            yield
        finally:
            self._patience_seconds = 0.0

    def _begin(self) -> None:
        deadline = time.monotonic() + self._patience_seconds
        is_told = False
        while True:
            try:
                with explained(self.path):
                    self._connection.execute("BEGIN IMMEDIATE")
            except LibraryBusy:
                if time.monotonic() >= deadline:
                    raise
            else:
                return
            if not is_told:
                logger.warning(
                    "%s: another program has locked it; waiting for up to %.0f s",
                    self.path,
                    self._patience_seconds,
                )
                is_told = True

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that the block reads is of one moment, whatever other processes write."""
        if self._connection.in_transaction:
            yield
            return
        with explained(self.path):
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.rollback()

    def damaged(self, reason: str) -> str:
        """What to say of a catalogue that cannot be used, with advice."""
        return damaged_text(self.path, reason)

    def check(self) -> list[str]:
        """What SQLite's own check finds wrong; empty if all is well."""
        problems = [str(row[0]) for row in self.rows("PRAGMA integrity_check(20)")]
        return [] if problems == ["ok"] else problems

    def _migrate(self) -> None:
        self._refuse_newer()
        with self.transaction():
            for number in range(self.format + 1, len(MIGRATIONS) + 1):
                for statement in MIGRATIONS[number - 1]:
                    self.run(statement)
                self.run(f"PRAGMA user_version = {number}")

    def _refuse_empty(self) -> None:
        if self.format == 0:
            raise CorruptArtefact(damaged_text(self.path, "it holds no tables"))

    def _check_format(self) -> None:
        self._refuse_newer()
        self._refuse_empty()
        if self.format < len(MIGRATIONS):
            raise UnsupportedFormat(
                f"{self.path}: format {self.format}, this version reads {len(MIGRATIONS)}. "
                "It is brought up to date when the library is opened for writing, so make its "
                "folder writable or run 'soundalike index' on it once."
            )

    def _refuse_newer(self) -> None:
        if self.format > len(MIGRATIONS):
            raise UnsupportedFormat(
                f"{self.path}: format {self.format}, this version reads up to {len(MIGRATIONS)}. "
                "Update soundalike."
            )


def _opened_to_read(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise CorruptArtefact(damaged_text(path, "it is missing"))
    uri = path.resolve().as_uri()
    with explained(path):
        connection = _connect_read_only(uri)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError:
            # No process can write to a read-only folder, and SQLite cannot make the files there
            # that its write-ahead log needs.
            connection.close()
            log = path.with_name(f"{path.name}-wal")
            if log.exists() and log.stat().st_size:
                raise StorageError(
                    f"{log}: a killed process left commits there, which a read-only folder hides. "
                    "Run 'soundalike library info' once where the folder can be written to."
                ) from None
            connection = _connect_read_only(f"{uri}?immutable=1")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        _add_functions(connection)
    return connection


def _add_functions(connection: sqlite3.Connection) -> None:
    connection.create_function(SQL_NAME, -1, row_checksum, deterministic=True)


def _connect_read_only(uri: str) -> sqlite3.Connection:
    mode = "&mode=ro" if "?" in uri else "?mode=ro"
    return sqlite3.connect(
        uri + mode, uri=True, timeout=BUSY_TIMEOUT_SECONDS, check_same_thread=False
    )
