"""Labels in a column of a pandas table, as votes that can be written into files."""

from collections.abc import Iterator

import pandas as pd

from embedder.errors import UsageError
from index.labels.results import LabelVote
from index.library_folder.frames import SEPARATOR, tracks_in
from index.library_folder.open_library import OpenLibrary


def labels_in(library: OpenLibrary, frame: pd.DataFrame, field: str) -> Iterator[LabelVote]:
    """A column of a table as votes with probability 1; empty cells are left out."""
    if field not in frame.columns:
        raise UsageError(
            f"the table has no column {field!r}, it has {', '.join(map(str, frame.columns))}"
        )
    for text, value in zip(tracks_in(frame), frame[field], strict=True):
        if pd.isna(value) or not str(value).strip():
            continue
        labels = tuple(part.strip() for part in str(value).split(SEPARATOR.strip()) if part.strip())
        for track in library.tracks_named(text):
            yield LabelVote(
                track=track,
                field=field,
                label=labels[0],
                labels=labels,
                probability=1.0,
                probabilities=dict.fromkeys(labels, 1.0),
                voters=(),
            )
