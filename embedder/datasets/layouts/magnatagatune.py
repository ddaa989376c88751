"""MagnaTagATune: `annotations_final.csv` (tab-separated) and clips in folders 0 … f.

The table has a 0/1 column for each tag. The usual split is by folder, 12 : 1 : 3.
`clip_info_final.csv` has artists, albums and titles; without it the artist is read from the name of
the clip.
"""

from pathlib import Path

from embedder.datasets.layouts.contents import Contents, ReadingOptions
from embedder.datasets.records import LeftOut, Side, TrackRow
from embedder.datasets.tables import Table, first_cells, read_table
from embedder.errors import DatasetError, printable_path

LOOKS_FOR = "annotations_final.csv with the columns clip_id and mp3_path"
N_TAGS = 50
_TABLE = "annotations_final.csv"
_CLIPS = "clip_info_final.csv"
_FOLDERS = "0123456789abcdef"


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
    rows: list[TrackRow] = []
    left_out: list[LeftOut] = []
    for record in table.rows:
        name = record[path_column]
        file = base / name
        reason = options.reason_unusable(file)
        if reason is not None:
            left_out.append(LeftOut(file, reason))
            continue
        clip = clips.get(record[id_column], {})
        rows.append(
            TrackRow(
                key=record[id_column],
                path=file,
                labels={"tag": tuple(tag for tag in tags if record[tag] == "1")},
                artist=clip.get("artist", "") or _artist_in(name),
                album=clip.get("album", ""),
                title=clip.get("title", ""),
                split=_side_of(name, where=printable_path(table_path)),
            )
        )
    return Contents(rows, left_out, split_origin="the folders 0-b, c and d-f of MagnaTagATune")


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
