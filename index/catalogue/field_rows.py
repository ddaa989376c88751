"""The values of fields: tags of files, labels of data sets, and values measured from the audio.

If a track has labels of a data set in a field, they replace its file's tags in this field.
A value measured from the sound has a field like `measured.tempo`; `tempo` stands for it if no tag
and no label has that name.
"""

import json
from collections.abc import Iterable

from index.catalogue.database import Database, Value

SEARCHABLE = (
    "JOIN vectors ON vectors.track_id = tracks.id AND vectors.model_id = "
    "(SELECT value + 0 FROM settings WHERE key = 'current_model') WHERE NOT is_gone"
)
FIELD_TABLES = ("labels", "tags", "measurements")
MEASURED = "measured."
_NOT_REPLACED = (
    " AND NOT EXISTS (SELECT 1 FROM labels WHERE labels.track_id = tags.track_id "
    "AND labels.field = tags.field)"
)


class FieldRows:
    """Fields and their values, of all tracks."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def fields(self) -> dict[str, int]:
        """Every field, with the number of tracks that have it."""
        tables = " UNION ALL ".join(f"SELECT field, track_id FROM {name}" for name in FIELD_TABLES)
        return dict(
            self.database.rows(
                f"SELECT field, count(DISTINCT track_id) FROM ({tables}) "
                "GROUP BY field ORDER BY field"
            )
        )

    def field_names(self) -> list[str]:
        """Every field and short name, by jumps through the index: rows are many, fields few."""
        names: set[str] = set()
        for table in FIELD_TABLES:
            rows = self.database.rows(
                f"WITH RECURSIVE fields(name) AS (SELECT min(field) FROM {table} UNION ALL SELECT "
                f"(SELECT min(field) FROM {table} WHERE field > name) FROM fields "
                "WHERE name NOT NULL) SELECT name FROM fields WHERE name NOT NULL"
            )
            names.update(str(row[0]) for row in rows)
        names |= {name.removeprefix(MEASURED) for name in names if name.startswith(MEASURED)}
        return sorted(names)

    def full_name(self, field: str) -> str:
        """`measured.tempo` for `tempo`, if it is measured and no tag or label has that name."""
        tables = ("labels", "tags", "measurements")
        names = (field, field, f"{MEASURED}{field}")
        is_tag, is_label, is_measured = (
            bool(self.database.rows(f"SELECT 1 FROM {table} WHERE field = ? LIMIT 1", (name,)))
            for table, name in zip(tables, names, strict=True)
        )
        return f"{MEASURED}{field}" if is_measured and not (is_tag or is_label) else field

    def values_of(self, field: str) -> list[str]:
        """Every different value that a field has."""
        field = self.full_name(field)
        selects = [
            f"SELECT value FROM {table} WHERE field = ?{condition}"
            for table, condition in self._tables_of(field)
        ]
        rows = self.database.rows(" UNION ".join(selects), [field] * len(selects))
        return [str(row[0]) for row in rows]

    def field_values(
        self, field: str, ids: Iterable[int] | None = None
    ) -> dict[int, tuple[str, ...]]:
        """The values of each track that can be searched; tracks without the field are absent.

        Labels and tags come first, then what was measured. `ids`: only these tracks.
        """
        field = self.full_name(field)
        values: dict[int, list[str]] = {}
        listed = [] if ids is None else [json.dumps(list(ids))]
        for table, condition in self._tables_of(field):
            only = f" AND {table}.track_id IN (SELECT value FROM json_each(?))" if listed else ""
            rows = self.database.rows(
                f"SELECT {table}.track_id, {table}.value FROM {table} "
                f"JOIN tracks ON {table}.track_id = tracks.id {SEARCHABLE} "
                f"AND {table}.field = ?{condition}{only} ORDER BY {table}.track_id, {table}.value",
                (field, *listed),
            )
            for track_id, value in rows:
                track_values = values.setdefault(track_id, [])
                if value not in track_values:
                    track_values.append(value)
        return {track_id: tuple(track_values) for track_id, track_values in values.items()}

    def fields_of(self, track_id: int) -> dict[str, list[str]]:
        """Every field of one track, with its values: labels, tags and what was measured."""
        values: dict[str, list[str]] = {}
        for table in FIELD_TABLES:
            condition = _NOT_REPLACED if table == "tags" else ""
            for field, value in self.database.rows(
                f"SELECT field, value FROM {table} WHERE track_id = ?{condition} "
                "ORDER BY field, value",
                (track_id,),
            ):
                field_values = values.setdefault(field, [])
                if value not in field_values:
                    field_values.append(value)
        return values

    def label_counts(self, field: str) -> dict[str, int]:
        """The values of a field, without measured ones, and the number of tracks with each.

        Tracks that cannot be searched count as well.
        """
        table = self._tables_of(field)[0][0]
        statement = f"SELECT value, count(*) FROM {table} WHERE field = ? GROUP BY value"
        return dict(self.database.rows(statement, (field,)))

    def ids_with(self, field: str) -> list[int]:
        """The tracks with a value of a field that was not measured, ascending.

        Tracks that cannot be searched are listed as well.
        """
        table = self._tables_of(field)[0][0]
        statement = f"SELECT DISTINCT track_id FROM {table} WHERE field = ? ORDER BY 1"
        return [row[0] for row in self.database.rows(statement, (field,))]

    def has_one_of(self, field: str, values: list[str]) -> tuple[str, list[Value]]:
        """An SQL condition on `tracks`: that a track has one of these values of a field."""
        field = self.full_name(field)
        conditions = [
            f"tracks.id IN (SELECT track_id FROM {table} WHERE field = ? "
            f"AND value IN (SELECT value FROM json_each(?)){condition})"
            for table, condition in self._tables_of(field)
        ]
        return f"({' OR '.join(conditions)})", [field, json.dumps(values)] * len(conditions)

    def _tables_of(self, field: str) -> list[tuple[str, str]]:
        """The tables with values of a field, each with a condition on its rows."""
        has_labels = self.database.rows("SELECT 1 FROM labels WHERE field = ? LIMIT 1", (field,))
        if not has_labels:
            return [("tags", ""), ("measurements", "")]
        return [("labels", ""), ("tags", _NOT_REPLACED), ("measurements", "")]
