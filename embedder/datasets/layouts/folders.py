"""A folder for each label: `rock/song.mp3`. Deeper files have the label of the top folder.

Folders for the sides of a split may lie above or below the labels: `train/rock/song.mp3` or
`rock/train/song.mp3`. A folder with the name of a side (train, valid, test …) is never a label.
"""

from dataclasses import replace
from pathlib import Path

from embedder.datasets.file_tags import read_file_tags
from embedder.datasets.files import audio_files_below, key_below, reason_unusable
from embedder.datasets.layouts.contents import Contents, ReadingOptions, side_of_folder
from embedder.datasets.records import LeftOut, Side, TrackRow
from embedder.errors import DatasetError, printable_path

LOOKS_FOR = "a folder of audio files for each label, also below train, valid and test"
_ENOUGH = 200


def evidence(path: Path) -> str | None:
    """At least two labels' folders with audio files, and no deeper audio files."""
    if not path.is_dir():
        return None
    labels = set()
    for number, file in enumerate(audio_files_below(path)):
        label, side = _label_and_side(file, path)
        depth = len(file.relative_to(path).parts) - bool(side)
        if depth > 2:
            return None
        if label:
            labels.add(label)
        if number > _ENOUGH and len(labels) > 1:
            break
    return f"{len(labels)} or more folders with audio" if len(labels) > 1 else None


def read(path: Path, options: ReadingOptions) -> Contents:
    """A row for each file; the folder's name is its `genre`."""
    rows: list[TrackRow] = []
    left_out: list[LeftOut] = []
    for file in audio_files_below(path):
        label, side = _label_and_side(file, path)
        reason = reason_unusable(file)
        if not label:
            folder = "" if file.parent == path else f" ({file.parent.name!r} is a side of a split)"
            reason = f"not in a label's folder{folder}"
        if reason is not None:
            left_out.append(LeftOut(file, reason))
            continue
        row = TrackRow(key=key_below(file, path), path=file, labels={"genre": (label,)}, split=side)
        rows.append(with_file_tags(row, file) if options.read_tags else row)
    if not rows and not left_out:
        raise DatasetError(f"{printable_path(path)}: no audio files in it.")
    return Contents(rows, left_out, split_origin=_origin(rows, path))


def _label_and_side(file: Path, root: Path) -> tuple[str, Side]:
    """The label and the side that the two folders below the root name; empty: none."""
    folders = file.parent.relative_to(root).parts[:2]
    sides = [side for name in folders if (side := side_of_folder(name))]
    labels = [name for name in folders if not side_of_folder(name)]
    return labels[0] if labels else "", sides[0] if sides else ""


def _origin(rows: list[TrackRow], root: Path) -> str:
    names = {
        name
        for row in rows
        if row.path is not None and row.split
        for name in row.path.parent.relative_to(root).parts[:2]
        if side_of_folder(name)
    }
    return f"the folders {', '.join(sorted(names))}" if names else ""


def with_file_tags(row: TrackRow, file: Path) -> TrackRow:
    """The row, with missing artist, album, title and duration from the file's tags."""
    tags = read_file_tags(file)
    return replace(
        row,
        artist=row.artist or tags.artist,
        album=row.album or tags.album,
        title=row.title or tags.title,
        duration_seconds=row.duration_seconds or tags.duration_seconds,
        session=row.session or tags.session,
    )
