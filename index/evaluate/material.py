"""A data set's labels, groups and repeats as numbers, ready to be scored."""

from collections.abc import Hashable, Iterable, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.dataset import Dataset
from embedder.datasets.duplicates import find_repeats
from embedder.errors import DatasetError
from embedder.metrics.id_sets import IdSets
from embedder.metrics.ranking import Apart, ApartSets, Exclusion, Ids
from index.evaluate.settings import Group
from index.labels.table import LabelTable, make_label_table


@dataclass(frozen=True, slots=True)
class Material:
    """All arrays have one row a track of the data set."""

    dataset: Dataset
    table: LabelTable
    """The labels of the field; its track ids are positions in the data set."""
    labels: Ids
    """The first label of each track, -1 unknown."""
    tags: NDArray[np.float32]
    """[tracks, labels]: all labels of each track."""
    groups: Ids
    """Tracks of one group are on one side of a split, -1 unknown."""
    repeats: Ids
    """The first track of the same recording (usually the track itself)."""
    kin: IdSets
    """Tracks that share an artist (or album), or a song, are never each other's neighbours."""
    shared: IdSets
    """The same for artists (or albums) alone."""
    artists: Ids
    """For intervals, -1 unknown: a group for all tracks that a chain of shared artists links."""
    artist_sets: IdSets
    """For the same-artist figure."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """All labels, in the order of the columns of `tags`."""
        return self.table.labels

    @property
    def is_multi_label(self) -> bool:
        """Whether some track has several labels."""
        return bool((self.tags.sum(axis=1) > 1).any())

    @property
    def labelled(self) -> Ids:
        """Positions of the tracks that have a label."""
        return np.flatnonzero(self.labels >= 0)

    def apart(self, queries: Ids, references: Ids) -> list[Exclusion]:
        """The pairs to leave out: the same group, the same recording, and the same song."""
        return [
            ApartSets(self.kin.at(queries), self.kin.at(references)),
            Apart(self.repeats[queries], self.repeats[references]),
        ]


def material_of(dataset: Dataset, *, field: str, group: Group, by_content: bool = True) -> Material:
    """Raises DatasetError, listing the fields, if no track has this one.

    by_content: compare files and arrays to find repeats, in addition to `duplicate_of`.
    """
    dataset.require_field(field)
    values = {position: row.values(field) for position, row in enumerate(dataset.rows)}
    table = make_label_table(field, values)
    if not table.n_tracks:
        raise DatasetError(f"{dataset.root.name}: no track has a {field}.")
    tags = np.zeros((len(dataset.rows), table.n_labels), dtype=np.float32)
    labels = np.full(len(dataset.rows), -1, dtype=np.int64)
    firsts, sizes = table.offsets[:-1], np.diff(table.offsets)
    tags[np.repeat(table.track_ids, sizes), table.label_of] = 1.0
    labels[table.track_ids] = table.label_of[firsts]
    groups = group_ids(dataset, group)
    shared = _artist_names(dataset) if group == "artist" else [{n} - {-1} for n in groups.tolist()]
    kin = [names | songs for names, songs in zip(shared, _songs(dataset), strict=True)]
    return Material(
        dataset=dataset,
        table=table,
        labels=labels,
        tags=tags,
        groups=groups,
        repeats=np.array(find_repeats(dataset, by_content=by_content).sets, dtype=np.int64),
        kin=_as_sets(kin),
        shared=_as_sets(shared),
        artists=group_ids(dataset, "artist"),
        artist_sets=_as_sets(_artist_names(dataset)),
    )


def _artist_names(dataset: Dataset) -> list[set[Hashable]]:
    """The artists of each track; the group, often an album, if none is known."""
    return [
        set(row.artists) or ({row.group} if row.group is not None else set())
        for row in dataset.rows
    ]


def _songs(dataset: Dataset) -> list[set[Hashable]]:
    """The song of each track, by each of its artists; none without a title."""
    return [
        {(artist, title) for artist in row.artists if title}
        for row in dataset.rows
        for title in [row.title.strip().casefold()]
    ]


def _as_sets(names: Sequence[Set[Hashable]]) -> IdSets:
    numbers: dict[Hashable, int] = {}
    return IdSets.of(
        [{numbers.setdefault(name, len(numbers)) for name in of_track} for of_track in names]
    )


def group_ids(dataset: Dataset, group: Group) -> Ids:
    """The same number for tracks of one artist (or album), -1 if it is unknown."""
    if group == "track":
        return np.full(len(dataset.rows), -1, dtype=np.int64)
    if group == "artist":
        return _numbered(row.group for row in dataset.rows)
    return _numbered((row.group, row.album) if row.album else None for row in dataset.rows)


def _numbered(names: Iterable[Hashable | None]) -> Ids:
    numbers: dict[Hashable, int] = {}
    return np.array(
        [-1 if name is None else numbers.setdefault(name, len(numbers)) for name in names],
        dtype=np.int64,
    )
