"""The map as a CSV table with one row per track, by id."""

import csv
import io

from embedder.datasets.csv_cells import plain_row
from index.map.library_map import LibraryMap
from index.map.quality import misleads

AXES = ("x", "y", "z")
TEXTS = ("path", "title", "artist", "album", "genre")


def csv_text(drawn: LibraryMap) -> str:
    """Columns: id, path, title, artist, album, genre, x, y (and z), preservation, misleads."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    dimensions = drawn.coordinates.shape[1]
    writer.writerow(["id", *TEXTS, *AXES[:dimensions], "preservation", "misleads"])
    flags = misleads(drawn.preservation)
    for track, coordinates, share, flag in zip(
        drawn.tracks, drawn.coordinates, drawn.preservation, flags, strict=True
    ):
        texts = [getattr(track, name) for name in TEXTS]
        numbers = [f"{value:.6g}" for value in coordinates]
        writer.writerow(plain_row([track.id, *texts, *numbers, f"{share:.2f}", int(flag)]))
    return file.getvalue()
