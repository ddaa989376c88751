"""The words of tracks: an FTS5 index of titles, artists, albums and paths.

The index holds no texts of its own (`content` is the view `track_texts`), and triggers on `tracks`
keep it in step. Only an index whose triggers are there is current. A Python whose SQLite has no
FTS5 cannot run these triggers, so it drops them when it opens a catalogue to write; the next one
that has FTS5 builds the index anew. Without a current index, words are looked for in every row.

A user's words are always text, never FTS5 syntax.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact
from index.catalogue.database import Database
from index.catalogue.words_seal import WordsSeal

TABLE = "track_words"
SHADOWS = ("data", "idx", "docsize", "config")
"""The ordinary tables in which FTS5 keeps an index: TABLE_data and so on."""
_COPY = "words_copy"
COLUMNS = "title, artist, album, path"
WEIGHTS = "10.0, 8.0, 4.0, 1.0"
"""A word in the title counts most, a word in the path least."""
MOST_RANKED = 1000
"""More matches than this are not ranked: nobody reads them to the end, and ranking takes time."""
WORDS_PER_STATEMENT = 50
_TOKENS = "tokenize = 'unicode61 remove_diacritics 2'"
_CREATE = (
    f"CREATE VIRTUAL TABLE {TABLE} USING fts5({COLUMNS}, content = 'track_texts', "
    f"content_rowid = 'id', {_TOKENS})"
)
_NEW = "new.id, new.title, new.artist, new.album, CAST(new.path AS TEXT)"
_OLD = _NEW.replace("new.", "old.")
_ADD = f"INSERT INTO {TABLE} (rowid, {COLUMNS}) VALUES ({_NEW});"
_TAKE = f"INSERT INTO {TABLE} ({TABLE}, rowid, {COLUMNS}) VALUES ('delete', {_OLD});"
TRIGGERS = {
    "track_words_insert": f"AFTER INSERT ON tracks BEGIN {_ADD} END",
    "track_words_delete": f"AFTER DELETE ON tracks BEGIN {_TAKE} END",
    "track_words_update": (
        f"AFTER UPDATE OF id, {COLUMNS} ON tracks "
        f"WHEN ({_OLD}) IS NOT ({_NEW}) BEGIN {_TAKE} {_ADD} END"
    ),
}
_UNBINDABLE = re.compile("[\0\ud800-\udfff]")
"""NUL ends a text for FTS5, and a surrogate is no character."""
NO_FTS5 = "This Python's SQLite has no FTS5, so words match anywhere in a text, and accents count."
NOT_CURRENT = (
    "The index of words is not current, so words match anywhere in a text, and accents count. "
    "'soundalike library rebuild' builds it anew."
)
DAMAGED = NOT_CURRENT.replace("not current", "damaged")


@dataclass(frozen=True, slots=True)
class WordMatches:
    """The tracks that have some words, with a note if they were found without the index."""

    ids: NDArray[np.int64]
    """The best match first if `is_ranked`, otherwise ascending."""
    is_ranked: bool = False
    note: str = ""


class WordRows:
    """The words of the tracks of a catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seal = WordsSeal(database)

    def has_fts5(self) -> bool:
        """Whether this Python's SQLite has FTS5."""
        try:
            return bool(self._database.rows("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'"))
        except CorruptArtefact:
            return False  # SQLite before 3.30 cannot tell

    def is_current(self) -> bool:
        """Whether the triggers keep the index in step."""
        return len(self._triggers()) == len(TRIGGERS)

    def keep_up(self) -> None:
        """Make the index current in a catalogue that is open to write, or drop its triggers."""
        if not self.has_fts5():
            self._drop_triggers()
        elif not self.is_current() or self._seal.is_unknown():
            self.rebuild()
        else:
            self._seal.keep()

    def seal(self) -> None:
        """Write the checksum of an index that was changed, before the catalogue is closed."""
        self._seal.renew()

    def rebuild(self) -> None:
        """Build the index anew, if this Python's SQLite has FTS5."""
        if not self.has_fts5():
            return
        self._seal.keep(is_new=True)
        with self._database.transaction():
            self._drop_triggers()
            self._drop_table()
            self._database.run(_CREATE)
            self._database.run(f"INSERT INTO {TABLE} ({TABLE}) VALUES ('rebuild')")
            for name, body in TRIGGERS.items():
                self._database.run(f"CREATE TRIGGER {name} {body}")

    def matching(self, text: str) -> WordMatches:
        """The tracks that have all words of a text, gone ones too.

        A word matches the words that begin with it, in any of the columns. Letter case and accents
        make no difference. A text of signs alone matches where it stands in a text.
        """
        words = words_in(text)
        spoken = [word for word in words if any(map(str.isalnum, word))]
        if not spoken:
            return WordMatches(self._containing(words))
        if not self.has_fts5():
            return WordMatches(self._containing(words), note=NO_FTS5)
        if not self.is_current():
            return WordMatches(self._containing(words), note=NOT_CURRENT)
        if self._seal.is_broken():
            return WordMatches(self._containing(words), note=DAMAGED)
        try:
            return self._ranked(spoken)
        except CorruptArtefact:
            return WordMatches(self._containing(words), note=DAMAGED)

    def problems(self) -> Iterator[str]:
        """What is wrong with the index, in sentences.

        A copy of it in a temporary database is checked by FTS5 against the texts of the tracks,
        since FTS5 checks only what it may write to.
        """
        if not (self.has_fts5() and self.is_current()):
            return
        damaged = (
            "the index of words is damaged, or not in step with the tracks. 'soundalike "
            "library rebuild' builds it anew."
        )
        if self._seal.is_broken():
            yield damaged
            return
        run = self._database.run
        try:
            run(f"SELECT rowid FROM {TABLE} LIMIT 0")
            run("CREATE TEMP VIEW word_texts AS SELECT * FROM main.track_texts")
            run(_CREATE.replace(TABLE, f"temp.{_COPY}").replace("track_texts", "word_texts"))
            for part in SHADOWS:
                run(f"DELETE FROM temp.{_COPY}_{part}")
                run(f"INSERT INTO temp.{_COPY}_{part} SELECT * FROM main.{TABLE}_{part}")
            run(f"INSERT INTO temp.{_COPY} ({_COPY}, rank) VALUES ('integrity-check', 1)")
        except CorruptArtefact:
            yield damaged
        finally:
            run(f"DROP TABLE IF EXISTS temp.{_COPY}")
            run("DROP VIEW IF EXISTS temp.word_texts")

    def _ranked(self, words: list[str]) -> WordMatches:
        blocks = _blocks(words)
        matches = [self._ids(_MATCHING, _expression(block)) for block in blocks]
        ids = matches[0]
        for more in matches[1:]:
            ids = np.intersect1d(ids, more, assume_unique=True)
        if len(blocks) > 1 or len(ids) > MOST_RANKED:
            return WordMatches(ids)
        return WordMatches(self._ids(_RANKED, _expression(blocks[0])), is_ranked=True)

    def _containing(self, words: list[str]) -> NDArray[np.int64]:
        """The tracks whose texts contain all words, found by reading every row."""
        if not words:
            return np.empty(0, dtype=np.int64)
        ids: NDArray[np.int64] | None = None
        for block in _blocks(words):
            conditions = " AND ".join([_CONTAINS] * len(block))
            statement = f"SELECT id FROM track_texts WHERE {conditions} ORDER BY id"
            matches = self._ids(statement, *block)
            ids = matches if ids is None else np.intersect1d(ids, matches, assume_unique=True)
        return np.empty(0, dtype=np.int64) if ids is None else ids

    def _ids(self, statement: str, *values: str) -> NDArray[np.int64]:
        rows = self._database.rows(statement, values)
        return np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))

    def _triggers(self) -> list[str]:
        rows = self._database.rows(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'track_words_%'"
        )
        return [row[0] for row in rows]

    def _drop_triggers(self) -> None:
        with self._database.transaction():
            for name in self._triggers():
                self._database.run(f'DROP TRIGGER "{name}"')

    def _drop_table(self) -> None:
        """Drop the index. FTS5 cannot drop a damaged one, so its parts are dropped one by one."""
        run = self._database.run
        try:
            run(f"DROP TABLE IF EXISTS {TABLE}")
        except CorruptArtefact:
            run("PRAGMA writable_schema = ON")
            try:
                run("DELETE FROM sqlite_schema WHERE type = 'table' AND name = ?", (TABLE,))
            finally:
                run("PRAGMA writable_schema = RESET")  # also reads the schema anew
            for part in SHADOWS:
                run(f"DROP TABLE IF EXISTS {TABLE}_{part}")


_MATCHING = f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH ? ORDER BY rowid"
_RANKED = (
    f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH ? ORDER BY bm25({TABLE}, {WEIGHTS}), rowid"
)
_CONTAINS = (
    "instr(lower(title || char(10) || artist || char(10) || album || char(10) || path), "
    "lower(?)) > 0"
)


def words_in(text: str) -> list[str]:
    """The words of a text that SQLite can take, each once."""
    return list(dict.fromkeys(_UNBINDABLE.sub(" ", text).split()))


def _blocks(words: list[str]) -> list[list[str]]:
    starts = range(0, len(words), WORDS_PER_STATEMENT)
    return [words[start : start + WORDS_PER_STATEMENT] for start in starts]


def _expression(words: list[str]) -> str:
    """FTS5's expression for tracks that have all words, each as the beginning of a word."""
    quoted = (word.replace('"', '""') for word in words)
    return " ".join(f'"{word}" *' for word in quoted)
