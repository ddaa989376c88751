"""A checksum of the index of words, so that damage does not hide a track.

FTS5 notices some damage in its tables and answers wrongly from the rest. So the checksum of what a
match is looked up in is a setting. What only ranks matches is not part of it. Before the first
look-up the whole index is read once: 100,000 tracks take about 10 ms.

To compute it at every commit would make a long run of `index` quadratic. So the first commit that
changes the index empties the setting, and closing the catalogue writes it. A process that is
killed between the two leaves it empty: nobody knows then whether the index is sound, and the next
one that opens the catalogue to write builds the index anew.
"""

import zlib

from embedder.errors import CorruptArtefact
from index.catalogue.database import Database

SETTING = "checksum of the index of words"
UNKNOWN = ""
"""The setting while the index is being changed."""
_STRUCTURE = "SELECT block FROM track_words_data WHERE id = 10"
"""FTS5's list of segments, another one after each change."""
_LOOKED_UP = (
    "SELECT id, block FROM track_words_data ORDER BY id",
    "SELECT segid, term, pgno FROM track_words_idx ORDER BY segid, term",
)


class WordsSeal:
    """The checksum in one catalogue. A catalogue of an older version gets one when it is written.

    It is not renewed while the index is damaged: only a rebuild mends that.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._structure: bytes | None = None
        self._is_renewed = False
        self._verdict: tuple[tuple[int, int], bool] | None = None

    def is_unknown(self) -> bool:
        """Whether a process that changed the index has not closed the catalogue."""
        return self._stored() == UNKNOWN

    def is_broken(self) -> bool:
        """Whether the index is not what was written; read again only after a change."""
        with self._database.snapshot():
            mark = self._database.change_mark
            if self._verdict is None or self._verdict[0] != mark:
                self._verdict = mark, self._is_other()
        return self._verdict[1]

    def keep(self, *, is_new: bool = False) -> None:
        """Renew the checksum from now on, unless the index is damaged."""
        self._is_renewed = is_new or not self.is_broken()
        is_sealed = self._is_renewed and not is_new and self._stored() is not None
        self._structure = self._current_structure() if is_sealed else None
        self._database.before_commit = self._note_change

    def renew(self) -> None:
        """Write the checksum, if the index has changed since."""
        if self._is_renewed and self.is_unknown():
            with self._database.transaction():
                self._store(self._computed())

    def _note_change(self) -> None:
        if not self._is_renewed:
            return
        self._database.run("SAVEPOINT words")  # makes FTS5 write what it has in memory
        self._database.run("RELEASE words")
        structure = self._current_structure()
        if structure != self._structure:
            self._structure = structure
            self._store(UNKNOWN)

    def _current_structure(self) -> bytes:
        structure: bytes = self._database.rows(_STRUCTURE)[0][0]
        return structure

    def _store(self, checksum: str) -> None:
        self._database.run("INSERT OR REPLACE INTO settings VALUES (?, ?)", (SETTING, checksum))

    def _stored(self) -> object:
        rows = self._database.rows("SELECT value FROM settings WHERE key = ?", (SETTING,))
        return rows[0][0] if rows else None

    def _is_other(self) -> bool:
        stored = self._stored()
        try:
            return stored not in (None, UNKNOWN) and stored != self._computed()
        except CorruptArtefact:
            return True

    def _computed(self) -> str:
        checksum = 0
        for statement in _LOOKED_UP:
            for block in self._database.blocks(statement):
                for row in block:
                    checksum = zlib.crc32(repr(row[:-1]).encode(), checksum)
                    last = row[-1]
                    checksum = zlib.crc32(
                        last if isinstance(last, bytes) else repr(last).encode(), checksum
                    )
        return f"{checksum:08x}"
