"""Folders that are there and empty, as a mount point is without its disk.

A given folder without any audio file is not pruned. Below it, the tracks of an empty folder, or of
a link that leads nowhere, are marked as gone like all whose files are missing; `--prune` leaves
them.
"""

import os
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
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
        root = os.fsencode(os.path.abspath(path))
        gone = [i for i in (*changes.gone, *changes.gone_before) if is_below(places[i], [root])]
        if gone and is_bare(root, scanned):
            n_tracks = "its only track" if len(gone) == 1 else f"its {len(gone):,} tracks"
            raise UsageError(
                f"{printable_path(path)}: no audio file in this folder, and --prune would remove "
                f"{n_tracks}. Is a disk missing? If not, give --allow-empty as well."
            )


def is_bare(root: bytes, scanned: Found) -> bool:
    """Whether a scan found no audio file below a folder."""
    present = chain(scanned.files, (part.path for part in scanned.parts))
    return not any(is_below(place, [root]) for place in present)


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Missing tracks by id, with the folder of each that is there and empty."""

    folders: dict[int, bytes] = field(default_factory=dict)

    def among(self, track_ids: Container[int]) -> "Unreachable":
        """Those of some tracks."""
        return Unreachable({i: place for i, place in self.folders.items() if i in track_ids})

    @property
    def notes(self) -> tuple[str, ...]:
        """What to say of them, if there are any."""
        if not self.folders:
            return ()
        n_folders = Counter(self.folders.values())
        first = printable_path(os.fsdecode(min(n_folders)))
        n_more, n_tracks = len(n_folders) - 1, len(self.folders)
        more = "" if not n_more else " and 1 other" if n_more == 1 else f" and {n_more:,} others"
        tracks = "a track" if n_tracks == 1 else f"{n_tracks:,} tracks"
        here = "these folders" if n_more else "this folder"
        return (
            f"{first}{more}: nothing is in {here} now, where {tracks} had their files. Is a disk "
            "missing? They come back with it; --prune leaves them unless --allow-empty is given.",
        )


def unreachable(places: Mapping[int, bytes]) -> Unreachable:
    """Those of the missing files at some places, by the ids of their tracks."""
    remaining: dict[bytes, bytes | None] = {}
    folders: dict[int, bytes] = {}
    for track_id, path in places.items():
        folder = _empty_folder(os.path.dirname(path), remaining)  # noqa: PTH120 - bytes
        if folder is not None:
            folders[track_id] = folder
    return Unreachable(folders)


def _empty_folder(folder: bytes, remaining: dict[bytes, bytes | None]) -> bytes | None:
    """The lowest folder that is still there of a missing file, if it is empty.

    remaining: the answers so far.
    """
    if folder not in remaining:
        above = os.path.dirname(folder)  # noqa: PTH120 - bytes
        if os.path.lexists(folder) or above == folder:
            remaining[folder] = folder if _is_empty(folder) else None
        else:
            remaining[folder] = _empty_folder(above, remaining)
    return remaining[folder]


def _is_empty(folder: bytes) -> bool:
    """Whether a folder has no entry but hidden ones, or is a link that leads nowhere."""
    try:
        with os.scandir(folder) as entries:
            return all(entry.name.startswith(b".") for entry in entries)
    except FileNotFoundError:
        return True
    except OSError:
        return False
