"""A library's tracks as a pandas table, and the tracks that a table names."""

from dataclasses import asdict

import pandas as pd

from embedder.errors import UsageError
from index.library_folder.open_library import OpenLibrary

WHOLE_NUMBERS = ("year", "track_number")
SEPARATOR = "; "
"""Between the values of a tag that has several."""


def library_frame(library: OpenLibrary) -> pd.DataFrame:
    """A row a track, by id: the fields of a track, then every other tag that the library has."""
    frame = pd.DataFrame([asdict(track) for track in library.all_tracks()])
    if frame.empty:
        return frame
    frame = frame.set_index("id")
    for name in WHOLE_NUMBERS:
        frame[name] = frame[name].astype("Int64")  # whole, though some tracks have none
    for name in library.catalogue.fields():
        if name not in frame.columns:
            values = library.catalogue.field_values(name)
            frame[name] = [SEPARATOR.join(values.get(int(key), ())) for key in frame.index]
    return frame


def tracks_in(frame: pd.DataFrame) -> tuple[str, ...]:
    """The tracks of a table as requests name them: its column `path`, else `id`, else its index."""
    if "path" in frame.columns:
        return tuple(str(path) for path in frame["path"])
    if "id" in frame.columns:
        return tuple(str(int(key)) for key in frame["id"])
    if frame.index.name == "id":
        return tuple(str(int(key)) for key in frame.index)
    raise UsageError(
        f"the table has the columns {', '.join(map(str, frame.columns))}: name the tracks in one "
        "called path or id, or let the index be called id"
    )
