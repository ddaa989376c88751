"""A folder for each label: `rock/song.mp3`. Deeper files have the label of the top folder."""

from dataclasses import replace
from pathlib import Path

from embedder.datasets.file_tags import read_file_tags
from embedder.datasets.files import audio_files_below, key_below, reason_unusable
from embedder.datasets.layouts.contents import Contents, ReadingOptions
from embedder.datasets.records import LeftOut, TrackRow
from embedder.errors import DatasetError, printable_path

LOOKS_FOR = "a folder of audio files for each label"
_ENOUGH = 200


def evidence(path: Path) -> str | None:
    """At least two folders with audio files, and no deeper audio files."""
    if not path.is_dir():
        return None
    labels = set()
    for number, file in enumerate(audio_files_below(path)):
        depth = len(file.relative_to(path).parts)
        if depth > 2:
            return None
        if depth == 2:
            labels.add(file.parent.name)
        if number > _ENOUGH and len(labels) > 1:
            break
    return f"{len(labels)} or more folders with audio" if len(labels) > 1 else None


def read(path: Path, options: ReadingOptions) -> Contents:
    """A row for each file; the folder's name is its `genre`."""
    rows: list[TrackRow] = []
    left_out: list[LeftOut] = []
    for file in audio_files_below(path):
        key = key_below(file, path)
        reason = "not in a label's folder" if file.parent == path else reason_unusable(file)
        if reason is not None:
            left_out.append(LeftOut(file, reason))
            continue
        row = TrackRow(key=key, path=file, labels={"genre": (key.split("/")[0],)})
        rows.append(with_file_tags(row, file) if options.read_tags else row)
    if not rows and not left_out:
        raise DatasetError(f"{printable_path(path)}: no audio files in it.")
    return Contents(rows, left_out)


def with_file_tags(row: TrackRow, file: Path) -> TrackRow:
    """The row, with missing artist, album, title and duration from the file's tags."""
    tags = read_file_tags(file)
    return replace(
        row,
        artist=row.artist or tags.artist,
        album=row.album or tags.album,
        title=row.title or tags.title,
        duration_seconds=row.duration_seconds or tags.duration_seconds,
    )
