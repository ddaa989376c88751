"""Labels of data sets for the tracks of a library: read, matched with files, stored.

    entry of a data set ─┬─ its file is a track's file
                         ├─ it was linked with the track before: the file has moved since
                         ├─ the track has the same path below an indexed folder
                         └─ the track's file has the entry's name, such as 000123.mp3

The first that applies decides. The last two apply to the folders that were indexed with
`--labels-from`, so that a name such as 1.wav elsewhere is no match.
"""

import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from embedder.audio.suffixes import AUDIO_SUFFIXES
from embedder.config.dataset import DatasetConfig
from embedder.datasets.opening import detect_layout, open_dataset, reading_options, tag_selection
from embedder.datasets.records import TrackRow
from embedder.errors import DatasetError, SoundalikeError, printable_path, utf8_text
from embedder.models.card import Card
from index.catalogue.catalogue import Catalogue
from index.catalogue.label_rows import LabelledTrack, Labels, LabelSource
from index.indexing.label_settings import (
    LabelSettings,
    keep_settings,
    kept_settings,
    settings_for,
)
from index.indexing.results import SourceReport
from index.indexing.tags import MAX_VALUE_CHARACTERS

OWN_TAGS = "library"
"""The layout whose labels are the files' own tags."""
N_SHOWN_LABELS = 5
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Entry:
    """A track of a data set."""

    key: str
    path: Path | None
    relative: str
    """The path below the data set's folder; empty if it is not below."""
    labels: Labels


@dataclass(frozen=True, slots=True)
class DatasetLabels:
    """The labels of a data set."""

    path: Path
    layout: str
    entries: tuple[Entry, ...]
    settings: DatasetConfig


def read_labels(path: Path, settings: DatasetConfig | None = None) -> DatasetLabels:
    """Read a data set of any layout; raises DatasetError if it has no labels of its own."""
    path = Path(os.path.abspath(path))
    settings = settings or DatasetConfig()
    options = replace(reading_options(settings), read_tags=False, with_missing=True)
    layout: str | None = settings.layout
    if layout == "auto":
        layout = detect_layout(path) if path.exists() else None
    if layout == OWN_TAGS:
        raise DatasetError(
            f"{printable_path(path)}: its labels are the tags in its files, which index reads "
            "anyway. --labels-from takes a folder for each label, or a table."
        )
    tags, merges = tag_selection(settings), settings.merge_labels
    dataset = open_dataset(path, layout=layout, options=options, tags=tags, merges=merges)
    base = path if path.is_dir() else path.parent
    entries = tuple(_entry(row, base) for row in dataset.rows)
    if not any(entry.labels for entry in entries):
        raise DatasetError(f"{printable_path(path)}: no track has a label.")
    return DatasetLabels(path, dataset.layout, entries, settings)


def given_labels(
    paths: Sequence[Path],
    settings: LabelSettings,
    *,
    catalogue: Catalogue | None,
    card: Card | None,
) -> list[DatasetLabels]:
    """Read the data sets that a run names. `card`: that of the model that indexes."""
    kept = {} if catalogue is None or not paths else kept_settings(catalogue)
    labels = []
    for path in paths:
        place = Path(os.path.abspath(path))
        labels.append(read_labels(place, settings_for(place, settings, kept=kept, card=card)))
    return labels


def register(catalogue: Catalogue, given: Sequence[DatasetLabels], folders: Sequence[Path]) -> None:
    """Let the library take labels from these data sets, now and later, for files in folders."""
    places = [Path(os.path.abspath(folder)) for folder in folders if folder.is_dir()]
    for labels in given:
        catalogue.labels.put_source(labels.path, labels.layout, places)
    if given:
        new = {str(labels.path): labels.settings for labels in given}
        keep_settings(catalogue, {**kept_settings(catalogue), **new})


def forget_sources(catalogue: Catalogue) -> None:
    """Take labels from no data set any more."""
    catalogue.labels.remove_sources()
    keep_settings(catalogue, {})


def store_labels(
    catalogue: Catalogue, given: Sequence[DatasetLabels]
) -> tuple[tuple[SourceReport, ...], tuple[str, ...]]:
    """Bring the labels of all data sets of a library up to date; reports and notes.

    `given` were read already. If another one cannot be read now, its labels stay as they are.
    """
    by_path = {labels.path: labels for labels in given}
    reports: list[SourceReport] = []
    notes: list[str] = []
    sources = catalogue.labels.sources()
    places = catalogue.labels.places() if sources else {}
    kept = kept_settings(catalogue) if sources else {}
    for source in sources:
        try:
            labels = by_path.get(source.path) or read_labels(
                source.path, kept.get(str(source.path))
            )
        except SoundalikeError as error:
            notes.append(
                f"labels from {printable_path(source.path)} stay as they were, because it cannot "
                f"be read: {error}"
            )
            continue
        old_tracks = catalogue.labels.tracks_of(source.id)
        old_entries = {track_id: track.entry for track_id, track in old_tracks.items()}
        tracks = match_entries(labels.entries, places, source=source, old_entries=old_entries)
        catalogue.labels.replace(source.id, tracks)
        report = _report(labels, tracks)
        reports.append(report)
        if source.path in by_path and report.n_unmatched:
            notes.append(
                f"labels from {printable_path(source.path)}: {report.n_unmatched} of its "
                f"{len(labels.entries)} tracks are not in the library"
            )
    return tuple(reports), tuple(notes)


def match_entries(
    entries: Sequence[Entry],
    places: dict[bytes, list[int]],
    *,
    source: LabelSource,
    old_entries: dict[int, str],
) -> dict[int, LabelledTrack]:
    """The entry of each track, by the rules above. `places`: the tracks of each path."""
    by_key = {entry.key: entry for entry in entries}
    present_ids = {track_id for ids in places.values() for track_id in ids}
    matched: dict[int, Entry] = {}
    for entry, path in _with_paths(entries):
        for track_id in places.get(path, ()):
            matched.setdefault(track_id, entry)
    for track_id, key in old_entries.items():
        # A track whose file is gone keeps its labels: the file may come back.
        if key in by_key:
            matched.setdefault(track_id, by_key[key])
    for folder in source.folders:
        for entry in entries:
            path = os.fsencode(folder / entry.relative)
            for track_id in places.get(path, ()) if entry.relative else ():
                matched.setdefault(track_id, entry)
    free = _unique(_named(places, source.folders, present_ids - matched.keys()))
    for name, entry in _unique((_name(entry), entry) for entry in entries).items():
        for track_id in free.get(name, ()):
            matched.setdefault(track_id, entry)
    return {
        track_id: LabelledTrack(entry.key, entry.labels)
        for track_id, entry in sorted(matched.items())
    }


def offer(catalogue: Catalogue, paths: Sequence[Path]) -> Iterator[str]:
    """A sentence for each indexed folder whose tracks have no genre, but whose layout has one."""
    if catalogue.labels.sources():
        return
    genres = catalogue.field_values("genre")
    places = catalogue.labels.places()
    for folder in paths:
        root = os.fsencode(os.path.abspath(folder)).rstrip(b"/") + b"/"
        ids = [track for path, some in places.items() if path.startswith(root) for track in some]
        if not ids or any(track_id in genres for track_id in ids):
            continue
        try:
            if not folder.is_dir():
                continue
            labels = read_labels(folder)
        except (SoundalikeError, OSError):  # the disk may have failed since
            continue
        values = [pair for entry in labels.entries for pair in entry.labels]
        genres_there = [value for field, value in values if field == "genre"]
        counts = Counter(genres_there or [value for field, value in values if field != "split"])
        names = sorted(counts, key=lambda name: (-counts[name], name))
        shown = ", ".join(names[:N_SHOWN_LABELS]) + (", …" if len(names) > N_SHOWN_LABELS else "")
        command = shlex.join(["soundalike", "index", str(folder), "--labels-from", str(folder)])
        yield f"no track of {printable_path(folder)} has a genre. To use {shown}: {command}"


def _report(labels: DatasetLabels, tracks: dict[int, LabelledTrack]) -> SourceReport:
    fields = Counter(
        field
        for track in tracks.values()
        for field in dict.fromkeys(field for field, _ in track.labels)
    )
    n_matched = len({track.entry for track in tracks.values()})
    return SourceReport(
        dataset=str(labels.path),
        layout=labels.layout,
        tracks=len(tracks),
        fields=dict(sorted(fields.items())),
        n_unmatched=len(labels.entries) - n_matched,
    )


def _entry(row: TrackRow, base: Path) -> Entry:
    said = {"artist": row.artist, "album": row.album, "title": row.title, "split": row.split}
    pairs = [(field, value) for field, values in row.labels.items() for value in values]
    pairs += [(field, value) for field, value in said.items() if value and field not in row.labels]
    labels = {
        (utf8_text(field.strip().lower()), utf8_text(value.strip()))
        for field, value in pairs
        if value.strip() and len(value) <= MAX_VALUE_CHARACTERS
    }
    path = row.path if row.path is None else Path(os.path.abspath(row.path))
    is_below = path is not None and path.is_relative_to(base)
    relative = path.relative_to(base).as_posix() if path is not None and is_below else ""
    return Entry(row.key, path, relative, tuple(sorted(labels)))


def _with_paths(entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """Each entry with its path, then each with its path without links."""
    entries = [entry for entry in entries if entry.path is not None]
    for resolve in (os.path.abspath, os.path.realpath):
        for entry in entries:
            yield entry, os.fsencode(resolve(str(entry.path)))


def _name(entry: Entry) -> str:
    """The name of its file without the suffix; the key, if it has no file."""
    if entry.path is not None:
        return entry.path.stem
    is_file = Path(entry.key).suffix[1:].lower() in AUDIO_SUFFIXES
    return Path(entry.key).stem if is_file else entry.key


def _named(
    places: dict[bytes, list[int]], folders: Sequence[Path], ids: set[int]
) -> Iterator[tuple[str, list[int]]]:
    """The names of files below some folders whose tracks have no entry yet."""
    roots = tuple(os.fsencode(folder).rstrip(b"/") + b"/" for folder in folders)
    for path, track_ids in places.items():
        if path.startswith(roots) and ids.issuperset(track_ids):
            yield Path(os.fsdecode(path)).stem, track_ids


def _unique(pairs: Iterable[tuple[str, Item]]) -> dict[str, Item]:
    """The items whose name no other item has."""
    items: dict[str, Item] = {}
    repeated: set[str] = set()
    for name, item in pairs:
        if name in items:
            repeated.add(name)
        items[name] = item
    return {name: item for name, item in items.items() if name not in repeated}
