"""A library's tracks and vectors in a file for other programs: CSV, JSON or NumPy's npz."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from embedder.datasets.csv_cells import plain_cell
from embedder.errors import UnknownChoice, utf8_text
from embedder.whole_files import check_output, write_whole
from index.catalogue.records import TrackRecord, valid_json
from index.library_folder.open_library import OpenLibrary


def export_library(library: OpenLibrary, path: Path, *, replace: bool = False) -> int:
    """Write all tracks that can be searched, in the form of the suffix; returns their number.

    .csv: a row per track, without vectors; .json: the same fields and the vector;
    .npz: arrays id [n], path [n], vector [n, size] and an array for each other field.
    """
    if path.suffix.lower() not in WRITERS:
        raise UnknownChoice("form of export", path.suffix or path.name, WRITERS)
    check_output(path, force=replace)
    tracks = list(library.all_tracks())
    ids = np.array([track.id for track in tracks], dtype=np.int64)
    vectors = library.vectors(ids) if tracks else np.empty((0, 0), dtype=np.float32)
    write_whole(path, WRITERS[path.suffix.lower()](tracks, vectors))
    return len(tracks)


def _csv(
    tracks: list[TrackRecord], vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> bytes:
    del vectors  # hundreds of columns are of no use in a spreadsheet
    text = io.StringIO()
    writer = csv.DictWriter(text, list(TrackRecord.__dataclass_fields__))
    writer.writeheader()
    for track in tracks:
        writer.writerow({name: plain_cell(value) for name, value in track.to_json().items()})
    return text.getvalue().encode("utf-8", "surrogateescape")


def _json(
    tracks: list[TrackRecord], vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> bytes:
    rows = [
        track.to_json() | {"vector": vector.tolist()}
        for track, vector in zip(tracks, vectors, strict=True)
    ]
    return (json.dumps(valid_json(rows), indent=1) + "\n").encode()


def _npz(
    tracks: list[TrackRecord], vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> bytes:
    columns = {
        name: np.array([_plain(getattr(track, name)) for track in tracks])
        for name in ("id", "path", "title", "artist", "album", "genre", "duration_seconds", "year")
    }
    file = io.BytesIO()
    np.savez(file, vector=vectors, **columns)  # type: ignore[arg-type]  # numpy's stub for **kwds
    return file.getvalue()


def _plain(value: object) -> object:
    """Text without lone surrogates, and None as NaN, so that NumPy stores no pickles."""
    if isinstance(value, str):
        return utf8_text(value)
    return float("nan") if value is None else value


WRITERS: dict[str, Callable[..., bytes]] = {".csv": _csv, ".json": _json, ".npz": _npz}
