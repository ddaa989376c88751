"""A music collection in any folders: the labels come from the files' tags."""

from pathlib import Path

from embedder.datasets.file_tags import read_file_tags
from embedder.datasets.files import audio_files_below, key_below, reason_unusable
from embedder.datasets.layouts.contents import Contents, ReadingOptions
from embedder.datasets.records import LeftOut, TrackRow
from embedder.errors import DatasetError, printable_path

LOOKS_FOR = "audio files in any folders, with a genre in their tags if labels are needed"


def evidence(path: Path) -> str | None:
    """Any audio file; labels are not required."""
    return "audio files" if path.is_dir() and next(audio_files_below(path), None) else None


def read(path: Path, options: ReadingOptions) -> Contents:  # noqa: ARG001  # every layout takes options
    """A row for each file, with `genre` and `mood` from its tags."""
    rows: list[TrackRow] = []
    left_out: list[LeftOut] = []
    for file in audio_files_below(path):
        reason = reason_unusable(file)
        if reason is not None:
            left_out.append(LeftOut(file, reason))
            continue
        tags = read_file_tags(file)
        labels = {"genre": tags.genres, "mood": tags.moods}
        rows.append(
            TrackRow(
                key=key_below(file, path),
                path=file,
                labels={name: values for name, values in labels.items() if values},
                artist=tags.artist,
                album=tags.album,
                title=tags.title,
                duration_seconds=tags.duration_seconds,
            )
        )
    if not rows and not left_out:
        raise DatasetError(f"{printable_path(path)}: no audio files in it.")
    return Contents(rows, left_out)
