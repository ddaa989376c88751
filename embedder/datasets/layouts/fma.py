"""FMA: folders `000/000002.mp3` of six-digit ids, and `fma_metadata/tracks.csv`.

The table has two rows of headings (`track` above `genre_top`) and a third row for the ids.
`variant` small, medium, large or full keeps the tracks of that subset and of the smaller ones.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedder.datasets.files import audio_files_below
from embedder.datasets.labels import labels_in_cell
from embedder.datasets.layouts.contents import Contents, ReadingOptions, seconds_in, side_named
from embedder.datasets.records import LeftOut, TrackRow
from embedder.datasets.tables import first_cells, read_cells, read_table
from embedder.errors import DatasetError, UnknownChoice, printable_path

LOOKS_FOR = "files named by six digits, with fma_metadata/tracks.csv in or next to the folder"
_SUBSETS = ("small", "medium", "large", "full")
_ID = re.compile(r"\d{6}$")
_PLACES = ("fma_metadata/tracks.csv", "../fma_metadata/tracks.csv", "tracks.csv")


def evidence(path: Path) -> str | None:
    """The table with its double heading, and files named by six digits."""
    table = _find_table(path) if path.is_dir() else None
    if table is None:
        return None
    first = next(audio_files_below(path), None)
    if first is None or not _ID.match(first.stem):
        return None
    return f"{first.name} and {table.name} with two rows of headings"


def _find_table(path: Path) -> Path | None:
    """The table whose first row has `set` and `track` among its headings."""
    for place in _PLACES:
        if (path / place).is_file() and {"set", "track"} <= set(first_cells(path / place)):
            return path / place
    return None


@dataclass(frozen=True, slots=True)
class _Headings:
    """The column numbers of headings such as `track.genre_top`."""

    places: Mapping[str, int]

    def cell(self, record: Sequence[str], name: str) -> str:
        """The cell under a double heading; empty if there is no such column."""
        place = self.places.get(name)
        return record[place].strip() if place is not None and place < len(record) else ""


def read(path: Path, options: ReadingOptions) -> Contents:
    """A row for each track of the variant; without a variant, for each track with a file."""
    if options.variant and options.variant not in _SUBSETS:
        raise UnknownChoice("variant of FMA", options.variant, _SUBSETS)
    table = _find_table(path)
    if table is None:
        raise DatasetError(f"{printable_path(path)}: {LOOKS_FOR} expected; the table is missing.")
    cells = read_cells(table)
    headings = _Headings({f"{a}.{b}": i for i, (a, b) in enumerate(zip(*cells[:2], strict=True))})
    if "set.subset" not in headings.places or "track.genre_top" not in headings.places:
        raise DatasetError(
            f"{printable_path(table)}: no columns set.subset and track.genre_top under the two "
            "rows of headings. Use tracks.csv from fma_metadata.zip without changes."
        )
    genre_names = _genre_names(table.parent / "genres.csv")
    subsets = set(_SUBSETS[: _SUBSETS.index(options.variant) + 1]) if options.variant else None
    audio = {file.stem: file for file in audio_files_below(options.audio_root or path)}
    rows: list[TrackRow] = []
    left_out: list[LeftOut] = []
    for record in cells[2:]:
        if not record[0].strip().isdigit():
            continue  # the third row of headings
        key = f"{int(record[0]):06d}"
        if subsets is not None and headings.cell(record, "set.subset") not in subsets:
            continue
        file = audio.get(key)
        if file is None and options.with_missing:
            file = (options.audio_root or path) / key[:3] / f"{key}.mp3"
        if file is None:
            if subsets is not None:
                left_out.append(LeftOut(f"{key[:3]}/{key}.mp3", "no such file"))
            continue
        reason = options.reason_unusable(file)
        if reason is not None:
            left_out.append(LeftOut(file, reason))
            continue
        rows.append(_row(key, file, record, headings, genre_names))
    return Contents(rows, left_out, split_origin="the official split of FMA")


def _row(
    key: str, file: Path, record: Sequence[str], headings: _Headings, names: Mapping[str, str]
) -> TrackRow:
    def cell(name: str) -> str:
        return headings.cell(record, name)

    genre = cell("track.genre_top")
    subgenres = [names.get(number, number) for number in labels_in_cell(cell("track.genres"), ",")]
    return TrackRow(
        key=key,
        path=file,
        labels={"genre": (genre,) if genre else (), "subgenres": tuple(subgenres)},
        artist=cell("artist.name"),
        album=cell("album.title"),
        title=cell("track.title"),
        split=side_named(cell("set.split"), where=f"track {key}"),
        duration_seconds=seconds_in(cell("track.duration")),
    )


def _genre_names(path: Path) -> dict[str, str]:
    """Names of genres by number, from `genres.csv` next to the table; empty without it."""
    if not path.is_file():
        return {}
    table = read_table(path)
    number, name = table.require("genre_id"), table.require("title")
    return {record[number]: record[name] for record in table.rows}
