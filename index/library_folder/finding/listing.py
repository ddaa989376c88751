"""List the tracks that have some words and match a filter, in an order, a page at a time."""

import heapq
import json
import os

import numpy as np
from numpy.typing import NDArray

from embedder.errors import UnknownChoice
from index.catalogue.catalogue import Catalogue
from index.catalogue.track_rows import LABELLED_COLUMNS, labelled_column
from index.catalogue.where import COLUMN_FIELDS, EVENT_FIELDS, USUAL_TAGS
from index.catalogue.where_sql import ids_where
from index.library_folder.finding.request import ListRequest
from index.library_folder.finding.results import TrackList

SORT_COLUMNS = ("id", "path", "year", "track_number", "duration_seconds", *LABELLED_COLUMNS)
"""Fields that are columns of `tracks`; other fields are tags."""
TEXT_COLUMNS = ("title", "artist", "album", "genre")
PICKED_COLUMNS = (*TEXT_COLUMNS, "year", "track_number", "duration_seconds")
ORDERED_OTHERWISE = "{0} > '' AND ({0} < ':' OR length({0}) <> length(CAST({0} AS BLOB)))"
"""Texts that may be numbers, or have letters beyond ASCII, of which SQLite knows no small ones."""
SortKey = tuple[int, float, str]
"""Numbers before texts."""
NUMBER_SIGNS = "+-. \t"
FEW_SHARE = 4
"""A page of less than this part of the tracks is picked, instead of sorting all of them."""
MOST_LISTED = 20_000
"""For more tracks, reading the values of all is quicker than looking each up."""


def list_tracks(catalogue: Catalogue, request: ListRequest) -> TrackList:
    """The tracks that can be searched and fit the request. Reads only the page's rows in full."""
    if request.sort is not None:
        _check_field(catalogue, request.sort)
    matches = catalogue.words.matching(request.words) if request.words.strip() else None
    if request.where:
        among = None if matches is None else matches.ids
        allowed_ids = ids_where(catalogue, request.where, among=among)
        ids = allowed_ids if matches is None else matches.ids[np.isin(matches.ids, allowed_ids)]
    elif matches is None:
        ids = catalogue.searchable_ids()
    else:
        ids = catalogue.searchable_among(matches.ids)
    total = len(ids)
    end = total if request.limit is None else min(request.offset + request.limit, total)
    if request.sort is not None:
        ids = _first_sorted(catalogue, ids, request.sort, end, descending=request.descending)
    elif request.descending:
        ids = ids[::-1]
    tracks = tuple(catalogue.tracks(ids[request.offset : end]))
    return TrackList(tracks, total, (matches.note,) if matches and matches.note else ())


def _check_field(catalogue: Catalogue, field: str) -> None:
    fields = {*COLUMN_FIELDS, *EVENT_FIELDS, *USUAL_TAGS, *catalogue.field_names()}
    if field not in fields:
        raise UnknownChoice("field to sort by", field, fields)


def _first_sorted(
    catalogue: Catalogue, ids: NDArray[np.int64], field: str, n: int, *, descending: bool
) -> NDArray[np.int64]:
    """The first n ids in the order of a field; tracks without it come last, in either direction."""
    if n < len(ids) // FEW_SHARE and len(ids) > MOST_LISTED:
        ids = _may_come_first(catalogue, ids, field, n, descending=descending)
    values = _sort_values(catalogue, field, ids)
    listed = ids.tolist()
    keys = {
        track_id: _key(value)
        for track_id in listed
        if (value := values.get(track_id)) not in (None, "")
    }
    if n < len(keys) // FEW_SHARE:
        pick = heapq.nlargest if descending else heapq.nsmallest
        first = pick(n, keys, key=keys.__getitem__)
    else:
        first = sorted(keys, key=keys.__getitem__, reverse=descending)[:n]
    if n > len(first):
        first += [track_id for track_id in listed if track_id not in keys][: n - len(first)]
    return np.array(first, dtype=np.int64)


def _may_come_first(
    catalogue: Catalogue, ids: NDArray[np.int64], field: str, n: int, *, descending: bool
) -> NDArray[np.int64]:
    """Of very many tracks, those that may be among the first n; all for a field of another table.

    SQLite orders numbers, and texts of ASCII letters, as `_key` does. Other texts are all kept.
    """
    if field not in PICKED_COLUMNS or (field in LABELLED_COLUMNS and catalogue.labels.exist()):
        return ids
    is_text = field in TEXT_COLUMNS
    present = f"{field} > ''" if is_text else f"{field} IS NOT NULL"
    order = f"{field} COLLATE NOCASE" if is_text else field
    others = _ids(catalogue, f"WHERE {ORDERED_OTHERWISE.format(field)}") if is_text else []
    n_tracks = catalogue.database.rows("SELECT COUNT(*) FROM tracks", [])[0][0]
    n_needed = n + len(others) + n_tracks - len(ids)  # of which some cannot be searched
    direction = "DESC" if descending else "ASC"
    first = _ids(catalogue, f"WHERE {present} ORDER BY {order} {direction}, id LIMIT {n_needed}")
    if len(first) < n_needed:
        return ids  # tracks without the field are needed, too
    return ids[np.isin(ids, np.array([*first, *others], dtype=np.int64))]


def _ids(catalogue: Catalogue, condition: str) -> list[int]:
    rows = catalogue.database.rows(f"SELECT id FROM tracks {condition}", [])  # noqa: S608 - ours
    return [row[0] for row in rows]


def _sort_values(
    catalogue: Catalogue, field: str, ids: NDArray[np.int64]
) -> dict[int, float | str | None]:
    """The value of a field by track: a column as it is shown, or a tag's first value."""
    if field in EVENT_FIELDS:
        return catalogue.events.values_of(field)
    listed = ids.tolist() if len(ids) <= MOST_LISTED else None
    if field not in SORT_COLUMNS:
        values = catalogue.field_values(field, listed)
        return {track_id: some[0] for track_id, some in values.items()}
    is_labelled = field in LABELLED_COLUMNS and catalogue.labels.exist()
    column = labelled_column(field) if is_labelled else f"tracks.{field}"
    statement = f"SELECT tracks.id, {column} FROM tracks"  # noqa: S608 - our names
    parameters = []
    if listed is not None:
        statement += " WHERE tracks.id IN (SELECT value FROM json_each(?))"
        parameters = [json.dumps(listed)]
    rows = catalogue.database.rows(statement, parameters)
    return {row[0]: os.fsdecode(row[1]) for row in rows} if field == "path" else dict(rows)


def _key(value: object) -> SortKey:
    """A key that numbers and texts have in common; letter case makes no difference."""
    if isinstance(value, str) and not (value[:1] in NUMBER_SIGNS or value[:1].isdecimal()):
        return (1, 0.0, value.casefold())  # most texts, without a try that raises
    try:
        number = float(value)  # type: ignore[arg-type]  # the try is for it
    except (TypeError, ValueError):
        number = float("nan")
    return (0, number, "") if abs(number) < float("inf") else (1, 0.0, str(value).casefold())
