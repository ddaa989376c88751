"""Copies of a recording among the files of a data set, by their fingerprints, as in a library.

A model's encoder measures the fingerprints beside the vectors. For baselines, the middle of each
file is decoded once more. Arrays have no fingerprints: they are compared by content alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from embedder.datasets.dataset import Dataset
from embedder.datasets.grouping import LinkedSets
from embedder.encoding.measuring_many import measure_many
from embedder.encoding.requests import TrackMeasures, TrackRequest
from embedder.features.measuring.fingerprint import MOST_SECONDS_APART, NAME
from embedder.features.measuring.print_table import copy_pairs
from embedder.features.measuring.records import Measured
from index.catalogue.recordings import names_other_version


@dataclass(frozen=True, slots=True)
class SoundPrint:
    """The fingerprint of a track, and its length if it is known."""

    data: bytes
    seconds: float | None = None


Prints = Mapping[int, SoundPrint]
"""By position in the data set; tracks without enough sound are absent."""


def print_in(measured: tuple[Measured, ...], seconds: float | None = None) -> SoundPrint | None:
    """The fingerprint among the records of a track; None if the sound was too short."""
    data = next((record.values.data for record in measured if record.measurer == NAME), b"")
    return SoundPrint(data, seconds) if data else None


def measured_prints(
    dataset: Dataset, *, workers: int = 1, on_track: Callable[[], None] | None = None
) -> Prints:
    """Decode the middle of every file; files that cannot be decoded are absent."""
    paths = [(i, row.path) for i, row in enumerate(dataset.rows) if row.path is not None]
    requests = [TrackRequest(path, measurers=(NAME,)) for _, path in paths]
    prints: dict[int, SoundPrint] = {}
    results = measure_many(requests, workers=workers)
    for (position, _), result in zip(paths, results, strict=True):
        if isinstance(result, TrackMeasures):
            sound_print = print_in(result.measured, dataset.rows[position].duration_seconds)
            prints |= {position: sound_print} if sound_print is not None else {}
        if on_track is not None:
            on_track()
    return prints


def copies_by_sound(dataset: Dataset, prints: Prints) -> list[tuple[int, int, float]]:
    """Pairs of positions that are one recording, with their likeness.

    As in a library, lengths far apart and titles of different versions keep tracks apart.
    """
    positions = sorted(prints)
    pairs = []
    for first_row, second_row, likeness in copy_pairs([prints[i].data for i in positions]):
        first, second = positions[first_row], positions[second_row]
        titles = dataset.rows[first].title, dataset.rows[second].title
        lengths = prints[first].seconds, prints[second].seconds
        is_long = None not in lengths and abs((lengths[0] or 0) - (lengths[1] or 0)) > (
            MOST_SECONDS_APART
        )
        if not is_long and not names_other_version(*titles):
            pairs.append((first, second, likeness))
    return pairs


def with_copies(dataset: Dataset, prints: Prints) -> Dataset:
    """The same tracks with the copies that their fingerprints show in `duplicate_of`."""
    links = LinkedSets()
    positions = {row.key: i for i, row in enumerate(dataset.rows)}
    for i, row in enumerate(dataset.rows):
        if row.duplicate_of:
            links.link([positions.get(row.duplicate_of, f"absent {row.duplicate_of}"), i])
    pairs = copies_by_sound(dataset, prints)
    if not pairs:
        return dataset
    for first, second, _ in pairs:
        links.link([first, second])
    first_of: dict[object, str] = {}
    rows = []
    for i, row in enumerate(dataset.rows):
        first_key = first_of.setdefault(links.root(i), row.key)
        rows.append(replace(row, duplicate_of=first_key) if first_key != row.key else row)
    return replace(dataset, rows=tuple(rows))
