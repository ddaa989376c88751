"""Types of the catalogue's values. SQLite stores any value in any column, so damage can change one.

What is read into records is checked row by row; `type_problems` checks every column.
"""

from collections.abc import Iterator

from index.catalogue.database import Database

_STORED_AS = {
    "INTEGER": ("integer",),
    "REAL": ("real", "integer"),
    "TEXT": ("text",),
    "BLOB": ("blob",),
}


def type_problems(database: Database) -> Iterator[str]:
    """The columns that hold values of a wrong type, in sentences."""
    tables = database.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
        "AND name NOT LIKE 'track_words%'"  # FTS5's own tables: `words` checks them
    )
    for (table,) in tables:
        for _, column, declared, is_required, _, is_key in database.rows(
            f'PRAGMA table_info("{table}")'
        ):
            allowed = _STORED_AS.get(declared, ())
            if not (is_required or is_key):
                allowed = (*allowed, "null")
            marks = ",".join("?" * len(allowed))
            n_wrong = database.rows(
                f'SELECT count(*) FROM "{table}" WHERE typeof("{column}") NOT IN ({marks})',
                allowed,
            )[0][0]
            if n_wrong:
                yield database.damaged(f"{n_wrong} values of {table}.{column} are no {declared}")
