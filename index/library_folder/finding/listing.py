"""List the tracks that have some words and match a filter, in an order, a page at a time."""

import os

import numpy as np
from numpy.typing import NDArray

from embedder.errors import UnknownChoice
from index.catalogue.catalogue import Catalogue
from index.catalogue.track_rows import LABELLED_COLUMNS, labelled_column
from index.catalogue.where import COLUMN_FIELDS, USUAL_TAGS
from index.catalogue.where_sql import ids_where
from index.library_folder.finding.request import ListRequest
from index.library_folder.finding.results import TrackList

SORT_COLUMNS = ("id", "path", "year", "track_number", "duration_seconds", *LABELLED_COLUMNS)
"""Fields that are columns of `tracks`; other fields are tags."""
SortKey = tuple[int, float, str]
"""Numbers before texts."""


def list_tracks(catalogue: Catalogue, request: ListRequest) -> TrackList:
    """The tracks that can be searched and fit the request. Reads only the page's rows in full."""
    if request.sort is not None:
        _check_field(catalogue, request.sort)
    matches = catalogue.words.matching(request.words) if request.words.strip() else None
    if request.where:
        allowed_ids = ids_where(catalogue, request.where)
        ids = allowed_ids if matches is None else matches.ids[np.isin(matches.ids, allowed_ids)]
    elif matches is None:
        ids = catalogue.searchable_ids()
    else:
        ids = catalogue.searchable_among(matches.ids)
    if request.sort is not None:
        ids = _sorted(catalogue, ids, request.sort, descending=request.descending)
    elif request.descending:
        ids = ids[::-1]
    end = None if request.limit is None else request.offset + request.limit
    tracks = tuple(catalogue.tracks(ids[request.offset : end]))
    return TrackList(tracks, len(ids), (matches.note,) if matches and matches.note else ())


def _check_field(catalogue: Catalogue, field: str) -> None:
    fields = {*COLUMN_FIELDS, *USUAL_TAGS, *catalogue.field_names()}
    if field not in fields:
        raise UnknownChoice("field to sort by", field, fields)


def _sorted(
    catalogue: Catalogue, ids: NDArray[np.int64], field: str, *, descending: bool
) -> NDArray[np.int64]:
    """The ids in the order of a field; tracks without it come last, in either direction."""
    values = _sort_values(catalogue, field)
    keys = {
        track_id: _key(values[track_id])
        for track_id in ids.tolist()
        if values.get(track_id) not in (None, "")
    }
    having = sorted(keys, key=keys.__getitem__, reverse=descending)
    lacking = [track_id for track_id in ids.tolist() if track_id not in keys]
    return np.array([*having, *lacking], dtype=np.int64)


def _sort_values(catalogue: Catalogue, field: str) -> dict[int, float | str | None]:
    """The value of a field by track: a column as it is shown, or a tag's first value."""
    if field not in SORT_COLUMNS:
        return {track_id: some[0] for track_id, some in catalogue.field_values(field).items()}
    is_labelled = field in LABELLED_COLUMNS and catalogue.labels.exist()
    column = labelled_column(field) if is_labelled else f"tracks.{field}"
    rows = catalogue.database.rows(f"SELECT tracks.id, {column} FROM tracks")  # noqa: S608 - our names
    return {row[0]: os.fsdecode(row[1]) if field == "path" else row[1] for row in rows}


def _key(value: object) -> SortKey:
    """A key that numbers and texts have in common; letter case makes no difference."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    return (0, number, "") if abs(number) < float("inf") else (1, 0.0, str(value).casefold())
