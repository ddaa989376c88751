"""The one file that opens SQLite: connections, transactions, migrations, errors in plain words."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from embedder.errors import (
    CorruptArtefact,
    LibraryBusy,
    SoundalikeError,
    StorageError,
    UnsupportedFormat,
)
from index.catalogue.checksums import SQL_NAME, row_checksum
from index.catalogue.migrations import MIGRATIONS

Value = int | float | str | bytes | None
Row = tuple[Any, ...]

BUSY_TIMEOUT_SECONDS = 10.0


class Database:
    """A catalogue file; every error of SQLite leaves it as one of ours."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.before_commit: Callable[[], None] | None = None
        """Called at the end of each transaction, inside it."""
        self._connection = connection

    @classmethod
    def create_or_open(cls, path: Path, *, must_exist: bool = False) -> "Database":
        """A database to write to, brought to the current format.

        With `must_exist`, one that is missing or empty is a loss, not a beginning.
        """
        if must_exist and not path.exists():
            raise CorruptArtefact(_damaged(path, "it is missing"))
        with _explained(path):
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
        with _explained(self.path):
            return self._connection.execute(statement, values).fetchall()

    def blocks(
        self, statement: str, values: Sequence[Value] = (), *, size: int = 8192
    ) -> Iterator[list[Row]]:
        """The rows of a query, some thousands at a time."""
        with _explained(self.path):
            cursor = self._connection.execute(statement, values)
            while rows := cursor.fetchmany(size):
                yield rows

    def run(self, statement: str, values: Sequence[Value] = ()) -> int:
        """Change something; the id of the row that was inserted last."""
        with _explained(self.path):
            return self._connection.execute(statement, values).lastrowid or 0

    def run_many(self, statement: str, values: Iterable[Sequence[Value]]) -> None:
        """The same change for many rows."""
        with _explained(self.path):
            self._connection.executemany(statement, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing of it; blocks inside a block belong to it."""
        if self._connection.in_transaction:
            yield
            return
        with _explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            if self.before_commit is not None:
                self.before_commit()
        except BaseException:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise
        with _explained(self.path):
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                if self._connection.in_transaction:
                    self._connection.rollback()
                raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that the block reads is of one moment, whatever other processes write."""
        if self._connection.in_transaction:
            yield
            return
        with _explained(self.path):
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.rollback()

    def damaged(self, reason: str) -> str:
        """What to say of a catalogue that cannot be used, with advice."""
        return _damaged(self.path, reason)

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
            raise CorruptArtefact(_damaged(self.path, "it holds no tables"))

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
        raise CorruptArtefact(_damaged(path, "it is missing"))
    uri = path.resolve().as_uri()
    with _explained(path):
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


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """SQLite's errors in terms of what the user can do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _explanation(path, error) from error


def _explanation(path: Path, error: sqlite3.DatabaseError) -> SoundalikeError:
    text = str(error).partition(" with text ")[0]  # what follows is the damaged text itself
    if _is_of_words(error, text):
        return CorruptArtefact(
            f"{path}: its index of words is damaged ({text}). Run 'soundalike library rebuild', "
            "then this command again."
        )
    if isinstance(error, sqlite3.OperationalError):
        if "locked" in text or "busy" in text:
            return LibraryBusy(f"{path}: another process is writing. Try again.")
        if "full" in text or "disk I/O" in text:
            return StorageError(
                f"{path}: the disk took no more ({text}). What was committed is safe: make room "
                "and run the same command again."
            )
        if "readonly" in text or "unable to open" in text:
            return StorageError(f"{path}: cannot be written or opened ({text}).")
    return CorruptArtefact(_damaged(path, text))


def _is_of_words(error: sqlite3.DatabaseError, text: str) -> bool:
    """Whether FTS5 raised an error. The index of words is the only virtual table of a catalogue.

    FTS5 gives no words to an error that it meets inside a trigger.
    """
    return (
        getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_CORRUPT_VTAB
        or text == "SQL logic error"
        or "fts5" in text
        or "vtable constructor failed" in text
    )


def _damaged(path: Path, reason: str) -> str:
    return (
        f"{path}: the catalogue is damaged ({reason}). Put a backup of it in its place and delete "
        f"{path.name}-wal and {path.name}-shm, or move the library's folder away and index the "
        "music again."
    )
