"""Open a data set: detect its layout, or take the given one, and read it into rows.

If two layouts fit, the caller must name one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from embedder.config.dataset import DatasetConfig
from embedder.datasets.dataset import Dataset
from embedder.datasets.files import check_exists
from embedder.datasets.grouping import with_groups
from embedder.datasets.labels import keep_frequent, merge_labels
from embedder.datasets.layouts import (
    arrays,
    fma,
    folders,
    gtzan,
    library,
    magnatagatune,
    manifest,
    mtg_jamendo,
)
from embedder.datasets.layouts.contents import Contents, ReadingOptions
from embedder.datasets.records import TrackRow
from embedder.datasets.tables import TABLE_SUFFIXES
from embedder.errors import DatasetError, UnknownChoice, printable_path

_SPECIFIC: dict[str, ModuleType] = {
    "arrays": arrays,
    "magnatagatune": magnatagatune,
    "mtg-jamendo": mtg_jamendo,
    "fma": fma,
    "gtzan": gtzan,
    "manifest": manifest,
}
_GENERAL: dict[str, ModuleType] = {"folders": folders, "library": library}
"""Tried in this order if nothing specific fits, since most folders of music fit both."""

_LAYOUTS = {**_SPECIFIC, **_GENERAL}
LAYOUTS = tuple(_LAYOUTS)


@dataclass(frozen=True, slots=True)
class TagSelection:
    """Which values of a multi-label field are kept."""

    field: str = ""
    n_tags: int = 0
    """Keep this many of the most frequent; 0 keeps all."""


def detect_layout(path: Path) -> str:
    """The layout of a folder or table. If it is unclear, the error lists what was looked for."""
    evidence = {name: module.evidence(path) for name, module in _SPECIFIC.items()}
    reasons = {name: reason for name, reason in evidence.items() if reason}
    if not reasons:
        for name, module in _GENERAL.items():
            if module.evidence(path):
                return name
    if len(reasons) == 1:
        return next(iter(reasons))
    where = printable_path(path)
    if reasons:
        listed = "; ".join(f"{name} ({reason})" for name, reason in reasons.items())
        raise DatasetError(f"{where}: could be {listed}. Choose one with the layout setting.")
    if path.is_file() and path.suffix.lower() in TABLE_SUFFIXES:
        return "manifest"  # its error names the missing column
    if path.is_dir() and not any(path.iterdir()):
        raise DatasetError(f"{where}: the folder is empty.")
    looked = "; ".join(f"{name}: {module.LOOKS_FOR}" for name, module in _LAYOUTS.items())
    raise DatasetError(f"{where}: no known layout. Looked for: {looked}.")


def open_dataset(
    path: Path,
    *,
    layout: str | None = None,
    options: ReadingOptions | None = None,
    tags: TagSelection | None = None,
    merges: Mapping[str, Sequence[str]] | None = None,
) -> Dataset:
    """Open a data set; `splitting.split_dataset` adds a split if it has none.

    `layout` is one of `LAYOUTS`; None or `auto` detects it. Without `tags`, MagnaTagATune keeps
    its 50 most frequent tags, and other layouts keep all. `merges`: a name and its synonyms.
    """
    options = options or ReadingOptions()
    if layout not in (None, "auto") and layout not in _LAYOUTS:
        raise UnknownChoice("layout", layout, ["auto", *LAYOUTS])
    check_exists(path)
    name = detect_layout(path) if layout in (None, "auto") else str(layout)
    contents: Contents = _LAYOUTS[name].read(path, options)
    _check_rows(path, contents)
    rows: Sequence[TrackRow] = with_groups(
        contents.rows, contents.artist_groups or [""] * len(contents.rows)
    )
    if merges:
        rows = merge_labels(rows, merges)
    if tags is None and name == "magnatagatune":
        tags = TagSelection("tag", magnatagatune.N_TAGS)
    if tags is not None and tags.field and tags.n_tags:
        rows = keep_frequent(rows, tags.field, tags.n_tags)
    has_split = bool(options.split_column) and any(row.split for row in rows)
    if not has_split:
        rows = [replace(row, split="") for row in rows]
    dataset = Dataset(
        root=path,
        layout=name,
        rows=tuple(rows),
        store=contents.store,
        extra_vectors=contents.extra_vectors,
        left_out=tuple(contents.left_out),
        split_origin=contents.split_origin if has_split else "",
    )
    for label_field in options.label_columns:
        dataset.require_field(label_field)
    return dataset


def reading_options(config: DatasetConfig) -> ReadingOptions:
    """The settings of a layout's reader."""
    return ReadingOptions(
        separator=config.tag_separator,
        split_column=config.split_column,
        variant=config.variant,
        audio_root=Path(config.audio_root) if config.audio_root else None,
    )


def tag_selection(config: DatasetConfig) -> TagSelection | None:
    """Which tags are kept; None without a tag field."""
    return TagSelection(config.tag_field, config.n_tags) if config.tag_field else None


def open_configured(path: Path, config: DatasetConfig) -> Dataset:
    """Open a data set by a run's settings; `splitting.split_configured` is the next step."""
    options, tags = reading_options(config), tag_selection(config)
    dataset = open_dataset(
        path, layout=config.layout, options=options, tags=tags, merges=config.merge_labels
    )
    for label_field in (config.label_field, config.tag_field):
        if label_field:
            dataset.require_field(label_field)
    return dataset


def _check_rows(path: Path, contents: Contents) -> None:
    """Refuse a data set without rows, or with two rows of one name."""
    where = printable_path(path)
    if not contents.rows:
        n_left_out = len(contents.left_out)
        if not n_left_out:
            raise DatasetError(f"{where}: no tracks in it.")
        first = contents.left_out[0]
        raise DatasetError(
            f"{where}: none of its {n_left_out} tracks can be used. The first: "
            f"{printable_path(first.path)} ({first.reason}). If the paths start in "
            "another folder, name it: train --set dataset.audio_root=FOLDER."
        )
    repeated = [key for key, n in Counter(row.key for row in contents.rows).items() if n > 1]
    if repeated:
        more = f" (and {len(repeated) - 1} more)" if len(repeated) > 1 else ""
        raise DatasetError(f"{where}: the track {repeated[0]!r} is there twice{more}.")
