"""A library as a table that training reads: files, artists, and every field as labels."""

import csv
import io
from pathlib import Path

from embedder.errors import NotFound
from embedder.whole_files import write_whole
from index.library_folder.open_library import OpenLibrary

TABLE_NAME = "library.csv"
COLUMNS = ("path", "artist", "album", "title")
SEPARATOR = ";"
"""Between the values of a field, as in the settings of training."""
NO_LABELS = frozenset({*COLUMNS, "id", "key", "track", "file", "filename", "duration_seconds"})
"""Fields whose names mean something else in a table."""


def write_training_table(library: OpenLibrary, folder: Path) -> Path:
    """Write `library.csv` to a folder, a row for each whole file; returns its path.

    Parts of files and paths that are not UTF-8 cannot be named in a table, and are left out.
    """
    library.require_tracks()
    fields = [name for name in library.catalogue.fields() if name not in NO_LABELS]
    values = {name: library.catalogue.field_values(name) for name in fields}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *fields])
    n_rows = 0
    for track in library.all_tracks():
        if track.start_seconds is not None or not _is_utf8(track.path):
            continue
        labels = (SEPARATOR.join(values[name].get(track.id, ())) for name in fields)
        writer.writerow([track.path, track.artist, track.album, track.title, *labels])
        n_rows += 1
    if not n_rows:
        raise NotFound(f"{library.folder}: it has no whole file to train on.")
    path = folder / TABLE_NAME
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.getvalue().encode())
    return path


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
