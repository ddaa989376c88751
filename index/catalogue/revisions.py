"""Which state a catalogue's vectors are in, so that a cache of them can name its source.

Every change of the vectors that searches see is a revision, and each revision has a random token.
A catalogue that was put back from a backup gives out the same numbers again, but not the same
tokens. The token of one revision therefore vouches for all that came before it.
"""

from dataclasses import dataclass

from embedder.errors import CorruptArtefact
from index.catalogue.database import Database


@dataclass(frozen=True, slots=True)
class CatalogueState:
    """A catalogue, and a point in its history."""

    catalogue_id: str
    revision: int
    token: str


class Revisions:
    """The history of one catalogue's vectors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self) -> CatalogueState:
        """The state now; raises CorruptArtefact if the history is missing."""
        rows = self._database.rows(
            "SELECT value, revision, hex(token) FROM settings, revisions "
            "WHERE key = 'catalogue_id' ORDER BY revision DESC LIMIT 1"
        )
        if not rows:
            raise CorruptArtefact(self._database.damaged("its history is missing"))
        return CatalogueState(str(rows[0][0]), int(rows[0][1]), str(rows[0][2]))

    def advance(self) -> int:
        """Begin the next revision, in the transaction that changes the vectors; its number."""
        self._database.run(
            "INSERT INTO revisions SELECT coalesce(max(revision), 0) + 1, randomblob(16) "
            "FROM revisions"
        )
        return self.current().revision

    def includes(self, state: CatalogueState) -> bool:
        """Whether the catalogue was in a state, or still is; one look-up by primary key."""
        rows = self._database.rows(
            "SELECT 1 FROM settings, revisions WHERE key = 'catalogue_id' AND value = ? "
            "AND revision = ? AND hex(token) = ?",
            (state.catalogue_id, state.revision, state.token),
        )
        return bool(rows)
