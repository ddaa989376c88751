"""A folder that is there and empty, as a mount point is without its disk: pruning it is refused."""

import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from embedder.errors import UsageError, printable_path
from index.indexing.changes import Changes, is_below
from index.indexing.scan import Found


def refuse_empty_folders(
    paths: Sequence[Path], scanned: Found, changes: Changes, places: dict[int, bytes]
) -> None:
    """Raise UsageError if a given folder has no audio file, and tracks below it are gone.

    places: the paths of the tracks that are gone.
    """
    for path in paths:
        root = [os.fsencode(os.path.abspath(path))]
        present = chain(scanned.files, (part.path for part in scanned.parts))
        if any(is_below(place, root) for place in present):
            continue
        gone = [i for i in (*changes.gone, *changes.gone_before) if is_below(places[i], root)]
        if gone:
            n_tracks = "its only track" if len(gone) == 1 else f"its {len(gone):,} tracks"
            raise UsageError(
                f"{printable_path(path)}: no audio file in this folder, and --prune would remove "
                f"{n_tracks}. Is a disk missing? If not, give --allow-empty as well."
            )
