"""A library's tracks as a pandas table, and what stands in a table back into requests and tags."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from embedder.errors import UsageError
from index.labels.results import LabelVote

if TYPE_CHECKING:
    from index.library_folder.open_library import LibraryReader

WHOLE_NUMBERS = ("year", "track_number")
SEPARATOR = "; "
"""Between the values of a tag that has several."""


def library_frame(library: "LibraryReader") -> pd.DataFrame:
    """A row a track, by id: the fields of a track, then every other tag that the library has."""
    frame = pd.DataFrame([asdict(track) for track in library.all_tracks()])
    if frame.empty:
        return frame
    frame = frame.set_index("id")
    for name in WHOLE_NUMBERS:
        frame[name] = frame[name].astype("Int64")  # whole, though some tracks have none
    for name in library.catalogue.fields():
        if name not in frame.columns:
            found = library.catalogue.field_values(name)
            frame[name] = [SEPARATOR.join(found.get(int(key), ())) for key in frame.index]
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


def labels_in(library: "LibraryReader", frame: pd.DataFrame, field: str) -> Iterator[LabelVote]:
    """A column of a table as if it had been voted for; empty cells are left out."""
    if field not in frame.columns:
        raise UsageError(
            f"the table has no column {field!r}, it has {', '.join(map(str, frame.columns))}"
        )
    for text, value in zip(tracks_in(frame), frame[field], strict=True):
        if pd.isna(value) or not str(value).strip():
            continue
        labels = tuple(part.strip() for part in str(value).split(SEPARATOR.strip()) if part.strip())
        for track in library.find(text):
            yield LabelVote(
                track=track,
                field=field,
                label=labels[0],
                labels=labels,
                confidence=1.0,
                probabilities=dict.fromkeys(labels, 1.0),
                voters=(),
            )
