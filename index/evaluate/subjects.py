"""What is evaluated: a data set opened with the requested split, or a library as a data set."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from embedder.datasets.csv_cells import text_of_cell
from embedder.datasets.dataset import Dataset
from embedder.datasets.grouping import with_groups
from embedder.datasets.layouts.contents import ReadingOptions, side_named
from embedder.datasets.opening import open_dataset
from embedder.datasets.records import LeftOut, Side, TrackRow
from embedder.datasets.tables import TABLE_SUFFIXES, nearest_hint, read_table
from embedder.errors import DatasetError, printable_path
from embedder.geometry import geometry_of
from index.evaluate.stored_heads import stored_answers
from index.evaluate.vector_set import VectorSet
from index.library_folder.open_library import OpenLibrary

KEY_COLUMNS = ("track", "path", "file", "filename", "id", "key")
STORED = "stored"


def open_subject(
    path: Path, *, split: str = "", layout: str | None = None, reads_sides: bool = True
) -> Dataset:
    """A data set; `split` names a column of its table, or a separate table (track, split).

    reads_sides: read the column `split` if `split` is empty. If False, that column is ignored.
    """
    without_sides = ReadingOptions(split_column="")
    if Path(split).suffix.lower() in TABLE_SUFFIXES:
        dataset = open_dataset(path, layout=layout, options=without_sides)
        return with_split_table(dataset, Path(split))
    if not split and not reads_sides:
        return open_dataset(path, layout=layout, options=without_sides)
    options = ReadingOptions(split_column=split or "split")
    dataset = open_dataset(path, layout=layout, options=options)
    if split and not any(row.split for row in dataset.rows):
        raise DatasetError(
            f"{dataset.root.name}: no track has a side in {split!r}. Name a column with the "
            "values train, validation and test, or a table with the columns track and split."
        )
    return dataset


def with_split_table(dataset: Dataset, path: Path) -> Dataset:
    """The same tracks with the sides of another table; tracks that it does not list have none."""
    table = read_table(path)
    key_column, side_column = table.require(*KEY_COLUMNS), table.require("split")
    keys = {row.key for row in dataset.rows}
    sides: dict[str, Side] = {}
    for number, record in enumerate(table.rows, start=2):
        where = f"{printable_path(path)}, row {number}"
        cell, side = record[key_column], side_named(record[side_column], where=where)
        key = cell if cell in keys else text_of_cell(cell)
        if sides.setdefault(key, side) != side:
            raise DatasetError(f"{where}: {key!r} is on two sides, {sides[key]!r} and {side!r}.")
    rows = tuple(replace(row, split=sides.get(row.key, "")) for row in dataset.rows)
    n_listed = sum(row.key in sides for row in dataset.rows)
    if not n_listed:
        raise DatasetError(
            f"{printable_path(path)}: lists none of the {len(rows)} tracks of "
            f"{dataset.root.name}. Its column {key_column!r} must hold their names, such as "
            f"{dataset.rows[0].key!r}."
        )
    origin = f"{path.name} ({n_listed} of {len(rows)} tracks listed)"
    return replace(dataset, rows=rows, split_origin=origin)


def library_subject(
    library: OpenLibrary, *, split: str = "", model_folder: Path | None = None
) -> tuple[Dataset, VectorSet]:
    """The library's tracks as a data set, and their stored vectors.

    model_folder: the folder of the model that made them, if it is known; its heads answer too.
    Labels are all tag fields; `split` names one of them, or a table (track, split) by path.
    """
    tracks = list(library.all_tracks())
    fields = library.catalogue.fields()
    labels: dict[int, dict[str, tuple[str, ...]]] = {track.id: {} for track in tracks}
    for field in fields:
        for track_id, values in library.catalogue.field_values(field).items():
            if track_id in labels:
                labels[track_id][field] = values
    by_table = Path(split).suffix.lower() in TABLE_SUFFIXES
    if split and not by_table and split not in fields:
        raise DatasetError(f"the library has no tag {split!r}. {nearest_hint(split, fields)}")
    artists_of = library.artists.of_ids(labels)
    first_of: dict[str, str] = {}
    rows = []
    for track in tracks:
        is_part = track.start_seconds is not None
        key = f"{track.path}#{track.start_seconds:g}" if is_part else track.path
        track_labels: Mapping[str, tuple[str, ...]] = labels[track.id]
        side = track_labels.get(split, ("",))[0] if split and not by_table else ""
        original = first_of.setdefault(track.recording, key) if track.recording else key
        rows.append(
            TrackRow(
                key=key,
                path=None if is_part else Path(track.path),
                labels=track_labels,
                artist=track.artist,
                artists=artists_of.get(track.id, frozenset()),
                album=track.album,
                title=track.title,
                split=side_named(side, where=printable_path(track.path)) if side else "",
                duplicate_of=original if original != key else "",
                duration_seconds=track.duration_seconds,
                audio_digest=track.audio_digest,
            )
        )
    dataset = Dataset(
        root=library.folder,
        layout="library",
        rows=tuple(with_groups(rows, [""] * len(rows))),
        left_out=tuple(LeftOut(Path(f.path), f.reason) for f in library.catalogue.failures()),
        split_origin=f"tag {split!r}" if split and not by_table else "",
    )
    ids = [track.id for track in tracks]
    vectors = library.vectors(ids)
    stored = VectorSet(
        STORED,
        "library",
        np.asarray(vectors, dtype=np.float32),
        np.arange(len(rows)),
        geometry_of(library.space.kind, curvature=library.space.curvature),
        fingerprint=library.model.fingerprint,
        model_folder=model_folder,
        heads={} if model_folder is None else stored_answers(library, ids, model_folder),
    )
    return (with_split_table(dataset, Path(split)) if by_table else dataset), stored
