"""What the library knows of tracks beside their vectors: artists, labels, tempo and energy.

How alike two tracks are in each of these ways is a number from 0 to 1, as a matrix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from index.catalogue.field_rows import FieldRows
from index.library_folder.open_library import OpenLibrary
from index.vectors.store import IdArray

Trait = Literal["artist", "label", "tempo", "energy"]
TRAITS: tuple[Trait, ...] = get_args(Trait)
LABEL_FIELDS = ("genre", "mood", "style")
"""Tags that say what a track is like; labels of data sets count as well."""
NOT_LABELS = frozenset(
    {"title", "artist", "album", "albumartist", "composer", "split", "fold", "path", "year", "date"}
)
OCTAVES_APART = 0.25
"""Tempi are alike within about this part of an octave (a fifth)."""
ENERGY_APART = 0.15

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """The traits of some tracks, in their order."""

    artists: Sequence[frozenset[str]]
    labels: Sequence[frozenset[str]]
    tempo: Matrix
    """The logarithm to the base 2, [n]; NaN if it is not known."""
    energy: Matrix
    """[n]; NaN if it is not known."""

    def alike(self, others: "Traits", trait: Trait) -> Matrix:
        """How alike these tracks [m] and others [n] are in a trait: [m, n], 0 to 1."""
        match trait:
            case "artist":
                return _overlap(self.artists, others.artists)
            case "label":
                return _overlap(self.labels, others.labels)
            case "tempo":
                return _nearness(self.tempo, others.tempo, OCTAVES_APART)
            case "energy":
                return _nearness(self.energy, others.energy, ENERGY_APART)


def traits_of(library: OpenLibrary, ids: IdArray) -> Traits:
    """The traits of tracks."""
    listed = ids.tolist()
    artists = library.artists.of_ids(listed)
    labels: dict[int, set[str]] = {}
    for field in label_fields(library.catalogue):
        for track_id, values in library.catalogue.field_values(field, listed).items():
            labels.setdefault(track_id, set()).update(f"{field}={v.casefold()}" for v in values)
    tempo = _numbers(library.catalogue, ("tempo", "bpm", "measured.tempo"), listed)
    return Traits(
        [artists.get(track_id, frozenset()) for track_id in listed],
        [frozenset(labels.get(track_id, ())) for track_id in listed],
        np.log2(np.where(tempo > 0, tempo, np.nan)),
        _numbers(library.catalogue, ("energy", "measured.energy"), listed),
    )


def label_fields(catalogue: FieldRows) -> list[str]:
    """The fields that say what a track is like."""
    rows = catalogue.database.rows("SELECT DISTINCT field FROM labels")
    return sorted({*LABEL_FIELDS, *(str(row[0]) for row in rows)} - NOT_LABELS)


def _numbers(catalogue: FieldRows, fields: Sequence[str], ids: Sequence[int]) -> Matrix:
    """The first of some fields that is a number, of each track; NaN if none is."""
    numbers = np.full(len(ids), np.nan)
    place = {track_id: row for row, track_id in enumerate(ids)}
    for field in fields:
        for track_id, values in catalogue.field_values(field, ids).items():
            row = place[track_id]
            if np.isnan(numbers[row]):
                numbers[row] = _number(values[0])
    return numbers


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return float("nan")
    return number if abs(number) < float("inf") else float("nan")


def _overlap(first: Sequence[frozenset[str]], second: Sequence[frozenset[str]]) -> Matrix:
    """The cosine of sets: what they have in common, by the root of the product of their sizes."""
    names = {name: column for column, name in enumerate(sorted(frozenset().union(*first)))}
    table = _indicators(first, names)
    overlap: Matrix = table @ _indicators(second, names).T
    return overlap


def _indicators(sets: Sequence[frozenset[str]], names: dict[str, int]) -> Matrix:
    table = np.zeros((len(sets), len(names)))
    for row, members in enumerate(sets):
        for name in members:
            if name in names:
                table[row, names[name]] = 1 / np.sqrt(len(members))
    return table


def _nearness(first: Matrix, second: Matrix, width: float) -> Matrix:
    """Of numbers: 1 if they are equal, 0 if one is not known."""
    apart = (first[:, None] - second) / width
    nearness: Matrix = np.where(np.isnan(apart), 0.0, np.exp(-0.5 * np.square(apart)))
    return nearness
