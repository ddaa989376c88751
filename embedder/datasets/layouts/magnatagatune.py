"""MagnaTagATune: `annotations_final.csv` (tab-separated) and clips in folders 0 … f.

The table has a 0/1 column for each tag. The usual split is by folder, 12 : 1 : 3. Instead of the
clips there may be an array of samples for each, `waveform/a/clip.npy` for `a/clip.mp3`. An .npz
with `track` (the clip's number) and vectors is read as in the arrays layout.
`clip_info_final.csv` has artists, albums and titles; without it the artist is read from the name of
the clip.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from embedder.datasets.array_files import store_of_files
from embedder.datasets.array_stores import ArrayStore
from embedder.datasets.layouts.arrays import extra_vectors
from embedder.datasets.layouts.contents import Contents, ReadingOptions
from embedder.datasets.records import LeftOut, Side, TrackRow
from embedder.datasets.tables import Table, first_cells, read_table
from embedder.errors import DatasetError, printable_path

LOOKS_FOR = "annotations_final.csv with the columns clip_id and mp3_path"
N_TAGS = 50
_TABLE = "annotations_final.csv"
_CLIPS = "clip_info_final.csv"
_FOLDERS = "0123456789abcdef"
_ARRAY_FOLDERS = ("waveform", "waveforms", "npy", ".")
_RATES = (22050, 16000, 44100, 12000, 11025, 8000, 32000, 48000)
_CLIP_SECONDS, _TOLERANCE = 29.1, 0.5
_logger = logging.getLogger(__name__)


def evidence(path: Path) -> str | None:
    """The table of annotations."""
    table = path / _TABLE if path.is_dir() else path
    if not table.is_file() or table.suffix.lower() != ".csv":
        return None
    return table.name if {"clip_id", "mp3_path"} <= set(first_cells(table)) else None


def read(path: Path, options: ReadingOptions) -> Contents:
    """A row for each clip, with its tags in the field `tag`."""
    table_path = path / _TABLE if path.is_dir() else path
    table = read_table(table_path)
    id_column, path_column = table.require("clip_id"), table.require("mp3_path")
    tags = [name for name in table.columns if name not in (id_column, path_column)]
    clips = _clip_info(table_path.parent / _CLIPS)
    base = options.audio_root or table_path.parent
    arrays = _clip_arrays(base, [record[path_column] for record in table.rows])
    rows: list[TrackRow] = []
    left_out: list[LeftOut] = [] if arrays is None else list(arrays.left_out)
    for record in table.rows:
        name = record[path_column]
        file = base / name
        array_row = None
        if arrays is not None:
            array_row = arrays.row_of.get(_stem(name))
            if array_row is None:  # counted in one warning, since a subset lacks thousands
                continue
        elif (reason := options.reason_unusable(file)) is not None:
            left_out.append(LeftOut(file, reason))
            continue
        clip = clips.get(record[id_column], {})
        rows.append(
            TrackRow(
                key=record[id_column],
                path=file if array_row is None else None,
                array_row=array_row,
                labels={"tag": tuple(tag for tag in tags if record[tag] == "1")},
                artist=clip.get("artist", "") or _artist_in(name),
                album=clip.get("album", ""),
                title=clip.get("title", ""),
                split=_side_of(name, where=printable_path(table_path)),
            )
        )
    return Contents(
        rows,
        left_out,
        store=None if arrays is None else arrays.store,
        extra_vectors=extra_vectors(table_path.parent, [row.key for row in rows]),
        split_origin="the folders 0-b, c and d-f of MagnaTagATune",
    )


@dataclass(frozen=True, slots=True)
class _ClipArrays:
    store: ArrayStore
    left_out: list[LeftOut]
    row_of: dict[str, int]
    """The row of each clip, by its path without suffixes."""


def _clip_arrays(base: Path, names: Sequence[str]) -> _ClipArrays | None:
    """The arrays that stand for the clips; None if any clip is there as audio, or none as array."""
    if any((base / name).exists() for name in names):
        return None
    folder = next(
        (base / name for name in _ARRAY_FOLDERS if any((base / name).rglob("*.npy"))), None
    )
    if folder is None:
        return None
    store, left_out = store_of_files(folder)
    if store.kind == "waveforms":
        store = replace(store, sample_rate=_rate_of(store.shape[-1]))
    row_of = {
        _stem(file.relative_to(folder).as_posix()): row for row, file in enumerate(store.files)
    }
    n_here = sum(_stem(name) in row_of for name in names)
    if n_here < len(names):
        _logger.warning("%s lists %d clips; %d of them are here", _TABLE, len(names), n_here)
    return _ClipArrays(store, left_out, row_of)


def _stem(name: str) -> str:
    """`a/clip` of `a/clip.mp3`, `a/clip.npy` and `a/clip.mp3.npy`."""
    return name.removesuffix(".npy").removesuffix(".mp3")


def _rate_of(n_samples: int) -> int:
    """The rate at which so many samples are a whole clip; 0 if they are not."""
    return next((r for r in _RATES if abs(n_samples / r - _CLIP_SECONDS) < _TOLERANCE), 0)


def _side_of(clip_path: str, *, where: str) -> Side:
    folder = clip_path.split("/")[0].lower()
    if folder not in _FOLDERS or len(folder) != 1:
        raise DatasetError(f"{where}: the clip {clip_path!r} is not in a folder 0 to f.")
    number = _FOLDERS.index(folder)
    return "train" if number < 12 else "validation" if number == 12 else "test"


def _artist_in(clip_path: str) -> str:
    """`f/american_bach_soloists-heinrich_schutz-01-…mp3` is by American Bach Soloists."""
    return Path(clip_path).stem.split("-")[0].replace("_", " ")


def _clip_info(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    table: Table = read_table(path)
    id_column = table.require("clip_id")
    return {record[id_column]: dict(record) for record in table.rows}
