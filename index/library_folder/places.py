"""Where a path that a person gives may stand in the catalogue.

Indexing keeps the links in a path, so a track is stored below the folder that was indexed, whether
that is a link or the real folder. A path may also reach it through another link or through `..`.
"""

import os
from pathlib import Path

from index.catalogue.catalogue import Catalogue
from index.catalogue.records import TrackRecord


def places_of(path: Path | str) -> tuple[Path, ...]:
    """The absolute paths that a path stands for: with its links, and with its links resolved."""
    with_links = Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow links
    return tuple(dict.fromkeys((with_links, Path(os.path.realpath(path)))))


def tracks_at(catalogue: Catalogue, path: Path | str) -> list[TrackRecord]:
    """The tracks of a file, however the path leads to it; a file of several parts has several."""
    for place in places_of(path):
        tracks = catalogue.tracks_at(place)
        if tracks:
            return tracks
    return []
