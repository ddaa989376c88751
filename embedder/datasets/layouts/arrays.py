"""Arrays instead of audio: one .npz with `tracks.csv`, or .npy files with a table.

The .npz is `spectrograms.npz` or `waveforms.npz`. A .npy file has the name of its track.
Spectrograms are `[tracks, rows, columns]`, 0…255 or 0…1, lowest row first; waveforms are
`[tracks, samples]`. Every other .npz with `track` and an array of vectors is read into
`extra_vectors`, under the array's name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from embedder.datasets.array_files import store_of_files
from embedder.datasets.array_stores import (
    NUMBERS,
    ArrayHeader,
    ArrayKind,
    ArrayStore,
    npz_header,
    open_npz,
    read_npz_member,
)
from embedder.datasets.layouts.contents import NAMES_OF_KEY, Contents, ReadingOptions, TableReader
from embedder.datasets.records import LeftOut, TrackRow
from embedder.datasets.tables import TABLE_SUFFIXES, columns_of, read_table
from embedder.errors import DatasetError, printable_path

LOOKS_FOR = "spectrograms.npz or waveforms.npz with tracks.csv, or .npy files with a table"
_ARCHIVES: Mapping[str, ArrayKind] = {
    "spectrograms.npz": "spectrograms",
    "waveforms.npz": "waveforms",
}
_DIMENSIONS: Mapping[ArrayKind, int] = {"spectrograms": 3, "waveforms": 2}


def evidence(path: Path) -> str | None:
    """One of the two .npz files, or .npy files with a table that lists tracks."""
    if not path.is_dir():
        return None
    for name in _ARCHIVES:
        if (path / name).exists():
            return name
    if any(path.rglob("*.npy")) and _tables(path):
        return f".npy files and {_tables(path)[0].name}"
    return None


def _tables(path: Path) -> list[Path]:
    """Tables that list tracks; `tracks.…` first."""
    tables = [
        file
        for file in sorted(path.iterdir())
        if file.suffix.lower() in TABLE_SUFFIXES
        and {name.strip().lower() for name in columns_of(file)} & set(NAMES_OF_KEY)
    ]
    return sorted(tables, key=lambda table: table.stem != "tracks")


def read(path: Path, options: ReadingOptions) -> Contents:
    """A row for each track that is in the table and in the arrays."""
    tables = _tables(path)
    if not tables:
        raise DatasetError(
            f"{printable_path(path)}: no table of the tracks. Put a tracks.csv with a column "
            "'track' into this folder."
        )
    table = read_table(tables[0])
    reader = TableReader(table, options)
    listed, artist_groups = reader.read(table.require(*NAMES_OF_KEY))
    archives = [path / name for name in _ARCHIVES if (path / name).exists()]
    if len(archives) > 1:
        raise DatasetError(
            f"{printable_path(path)}: both spectrograms.npz and waveforms.npz. Keep one of them."
        )
    left_out: list[LeftOut] = []
    if archives:
        store, tracks = _archive_store(archives[0])
    else:
        store, left_out = store_of_files(path)
        tracks = [file.stem for file in store.files]
    unfit = {Path(bad.path).stem for bad in left_out}
    place = _places(tracks, where=printable_path(archives[0] if archives else path))
    rows: list[TrackRow] = []
    groups: list[str] = []
    for row, group in zip(listed, artist_groups, strict=True):
        if row.key in place:
            rows.append(replace(row, array_row=place[row.key]))
            groups.append(group)
        elif row.key not in unfit:
            left_out.append(LeftOut(row.key, "in the table, but not among the arrays"))
    named = {row.key for row in listed}
    left_out += [
        LeftOut(t, "an array without a row in the table") for t in tracks if t not in named
    ]
    extra = extra_vectors(path, [row.key for row in rows], skip=archives)
    origin = f"column {column!r} of {table.path.name}" if (column := reader.split_column()) else ""
    return Contents(rows, left_out, groups, store, extra, origin)


def _archive_store(path: Path) -> tuple[ArrayStore, list[str]]:
    kind = _ARCHIVES[path.name]
    with open_npz(path) as archive:
        names = archive.files
        member_names = [name for name in (kind[:-1], kind) if name in names]
        if not member_names or "track" not in names:
            raise DatasetError(
                f"{printable_path(path)}: needs the arrays {kind[:-1]!r} and 'track', "
                f"holds {', '.join(map(repr, names)) or 'nothing'}."
            )
        tracks = [str(track) for track in read_npz_member(path, "track")]
        rate = int(read_npz_member(path, "sample_rate")) if "sample_rate" in names else 0
    header = npz_header(path, member_names[0])
    if len(header.shape) != _DIMENSIONS[kind]:
        raise DatasetError(
            f"{printable_path(path)}: {member_names[0]!r} has the shape {list(header.shape)}, "
            f"{_DIMENSIONS[kind]} dimensions are needed."
        )
    if header.dtype.kind not in NUMBERS:
        raise DatasetError(
            f"{printable_path(path)}: {member_names[0]!r} holds no numbers ({header.dtype})."
        )
    if header.shape[0] != len(tracks):
        raise DatasetError(
            f"{printable_path(path)}: {header.shape[0]} arrays in {member_names[0]!r}, but "
            f"{len(tracks)} names in 'track'."
        )
    return ArrayStore(kind, (path,), len(tracks), header.shape[1:], member_names[0], rate), tracks


def _places(tracks: Sequence[str], *, where: str) -> dict[str, int]:
    place = {track: row for row, track in enumerate(tracks)}
    if len(place) != len(tracks):
        repeated = next(track for track in tracks if tracks.count(track) > 1)
        raise DatasetError(f"{where}: the track {repeated!r} is there twice.")
    return place


def extra_vectors(
    path: Path, keys: Sequence[str], *, skip: Sequence[Path] = ()
) -> dict[str, NDArray[Any]]:
    """The vectors of these tracks in every .npz of a folder that has `track`, by their names."""
    extra: dict[str, NDArray[Any]] = {}
    for file in sorted(path.glob("*.npz")):
        if file in skip:
            continue
        with open_npz(file) as archive:
            if "track" not in archive.files:
                continue
            tracks = [str(track) for track in read_npz_member(file, "track")]
            place = _places(tracks, where=printable_path(file))
            for name in archive.files:
                if name == "track" or not _is_vectors(npz_header(file, name), len(place)):
                    continue
                missing = [key for key in keys if key not in place]
                if missing:
                    raise DatasetError(
                        f"{printable_path(file)}: no {name} vector for {missing[0]!r} "
                        f"({len(missing)} missing). Give every track one, or remove the file."
                    )
                array = read_npz_member(file, name)
                extra[name] = array[[place[key] for key in keys]]
    return extra


def _is_vectors(header: ArrayHeader, n_tracks: int) -> bool:
    """Whether an array has a row of numbers for each track; other arrays are ignored."""
    is_number = header.dtype.kind in NUMBERS
    return (
        is_number and len(header.shape) == 2 and header.shape[0] == n_tracks > 0 < header.shape[1]
    )
