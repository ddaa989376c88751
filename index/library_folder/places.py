"""Where a path that a person gives may stand in the catalogue.

Indexing keeps the links in a path, so a track is stored below the folder that was indexed, whether
that is a link or the real folder. A path may also reach it through another link or through `..`.
"""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path

from embedder.errors import NotFound, printable_path
from index.catalogue.catalogue import Catalogue
from index.catalogue.records import TrackRecord
from index.library_folder.finding.naming import looks_like_path, names_id_alone


def places_of(path: Path | str) -> tuple[Path, ...]:
    """The absolute paths that a path stands for: with its links, and with its links resolved."""
    with_links = Path(os.path.abspath(path))
    return tuple(dict.fromkeys((with_links, Path(os.path.realpath(path)))))


def tracks_at(catalogue: Catalogue, path: Path | str) -> list[TrackRecord]:
    """The tracks of a file, however the path leads to it; a file of several parts has several."""
    if names_id_alone(str(path)):
        return []
    for place in places_of(path):
        tracks = catalogue.tracks_at(place)
        if tracks:
            return tracks
    return []


def no_track_at(text: str, paths: Sequence[str]) -> NotFound:
    """The error for a path without a track; it names the closest of the library's paths."""
    path = Path(text).absolute()
    close = difflib.get_close_matches(str(path), paths, n=1, cutoff=0.7)
    by_name = [present for present in paths if Path(present).name == path.name]
    if not close and not by_name:
        names = {Path(present).name: present for present in paths}
        close = [names[n] for n in difflib.get_close_matches(path.name, names, n=1)]
    hint = [*by_name, *close][:1]
    meant = f" Do you mean {printable_path(hint[0])}?" if hint else ""
    what = "not in the library" if path.exists() else "no such file"
    words = "" if path.exists() or looks_like_path(text) else " No track has these words."
    return NotFound(f"{printable_path(text)}: {what}.{meant}{words}")
