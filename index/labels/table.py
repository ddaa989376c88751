"""The labels of one field, ready to be counted: which tracks have which, and how much of them.

A field has one label a track, or several: then each is a question of its own. Spellings that
differ in case only are one label; a semicolon separates labels inside one tag. Pure: no files.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Ids = NDArray[np.int64]

SEPARATOR = ";"
MIN_SHARE_WITH_SEVERAL = 0.1
"""From this share of tracks with several labels on, a field is taken to be one of many labels."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """The labelled tracks of a field, by a dense number each, their position.

    track_ids: int64 [tracks], ascending; the labels of track t are `label_of[i]` with the share
    `share_of[i]` for i from `offsets[t]` to `offsets[t + 1]`. Shares of a track sum to one where
    the field has one label a track, and are one each where it has several.
    """

    field: str
    labels: tuple[str, ...]
    is_multi: bool
    track_ids: Ids
    offsets: Ids
    label_of: Ids
    share_of: Values
    counts: Values
    """How many tracks have each label, [labels]; parts of tracks where a track has one label."""

    @property
    def n_tracks(self) -> int:
        """How many tracks have a label."""
        return len(self.track_ids)

    @property
    def n_labels(self) -> int:
        """How many labels there are."""
        return len(self.labels)

    def frequencies(self) -> Values:
        """The share of tracks that have each label, [labels]; in 0…1 without its ends if several
        labels are possible, since no label is certain or ruled out.
        """
        if self.is_multi:
            return np.asarray((self.counts + 0.5) / (self.n_tracks + 1))
        return np.asarray(self.counts / max(self.n_tracks, 1))

    def tally(self, positions: Ids, weights: Values) -> Values:
        """Votes [n, labels] of tracks [n, k] that weigh [n, k]; a position of -1 is nobody."""
        n_queries = len(positions)
        row, column = np.nonzero((positions >= 0) & (weights > 0))
        voters = positions[row, column]
        n_labels_of = self.offsets[voters + 1] - self.offsets[voters]
        firsts = np.cumsum(n_labels_of) - n_labels_of
        within = np.arange(n_labels_of.sum()) - np.repeat(firsts, n_labels_of)
        entries = np.repeat(self.offsets[voters], n_labels_of) + within
        cells = np.repeat(row, n_labels_of) * self.n_labels + self.label_of[entries]
        votes = np.repeat(weights[row, column], n_labels_of) * self.share_of[entries]
        counted = np.bincount(cells, weights=votes, minlength=n_queries * self.n_labels)
        return np.asarray(counted.reshape(n_queries, self.n_labels))

    def truth(self, positions: Ids) -> Values:
        """The labels that tracks [n] have themselves, [n, labels]."""
        return self.tally(positions[:, None], np.ones((len(positions), 1)))

    def sums_of(self, values: Values) -> Values:
        """For each track, [tracks], the sum of its labels' values [labels] by their shares."""
        products = self.share_of * values[self.label_of]
        return np.asarray(np.add.reduceat(products, self.offsets[:-1]))

    def labels_at(self, position: int) -> tuple[str, ...]:
        """The labels of one track."""
        entries = self.label_of[self.offsets[position] : self.offsets[position + 1]]
        return tuple(self.labels[label] for label in entries)


def make_label_table(
    field: str, values: Mapping[int, Sequence[str]], *, several: bool | None = None
) -> LabelTable:
    """The table of a field from what each track has in it.

    `several`: whether a track may have several labels; None: if many tracks have several.
    """
    split = {track_id: split_labels(found) for track_id, found in sorted(values.items())}
    spelling = _spellings(split.values())
    by_track = {
        track_id: sorted({spelling[label.casefold()] for label in found})
        for track_id, found in split.items()
        if found
    }
    labels = sorted(set(spelling.values()))
    number = {label: position for position, label in enumerate(labels)}
    if several is None:
        n_with_several = sum(len(found) > 1 for found in by_track.values())
        several = n_with_several > MIN_SHARE_WITH_SEVERAL * len(by_track)
    sizes = np.fromiter((len(found) for found in by_track.values()), dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    each = np.repeat(sizes, sizes)
    label_of = np.asarray([number[x] for found in by_track.values() for x in found], np.int64)
    share_of = np.ones(len(each)) if several else 1.0 / each
    return LabelTable(
        field=field,
        labels=tuple(labels),
        is_multi=several,
        track_ids=np.fromiter(by_track, dtype=np.int64, count=len(by_track)),
        offsets=offsets,
        label_of=label_of,
        share_of=share_of,
        counts=np.asarray(np.bincount(label_of, share_of, len(labels)), np.float64),
    )


def split_labels(values: Sequence[str]) -> list[str]:
    """The labels in the values of a tag."""
    parts = [part.strip() for value in values for part in value.split(SEPARATOR)]
    return [part for part in parts if part]


def _spellings(found: Iterable[list[str]]) -> dict[str, str]:
    """For each label without its case: how most tracks write it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for labels in found:
        for label in labels:
            counts[label.casefold()][label] += 1
    return {
        folded: min(spelled, key=lambda label: (-spelled[label], label))
        for folded, spelled in counts.items()
    }
