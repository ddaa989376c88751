"""The labels of one field: which tracks have which labels, and the share of each.

A field has one label a track, or several; with several, each label is a question of its own.
Spellings that differ only in case are one label; a semicolon separates labels inside one tag.
Pure: no files.
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
"""A field has several labels a track if at least this share of its tracks has several."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """The labelled tracks of a field; a track's position is its row here.

    track_ids: int64 [tracks], ascending; the labels of track t are `label_of[i]` with the share
    `share_of[i]` for i from `offsets[t]` to `offsets[t + 1]`. The shares of a track sum to one if
    the field has one label a track; with several, each share is one.
    """

    field: str
    labels: tuple[str, ...]
    is_multi: bool
    track_ids: Ids
    offsets: Ids
    label_of: Ids
    share_of: Values
    counts: Values
    """The number of tracks with each label, [labels]; fractions if a track's share is split."""

    @property
    def n_tracks(self) -> int:
        """The number of tracks with a label."""
        return len(self.track_ids)

    @property
    def n_labels(self) -> int:
        """The number of labels."""
        return len(self.labels)

    def frequencies(self) -> Values:
        """The share of tracks with each label, [labels]; never 0 or 1 if tracks have several."""
        if self.is_multi:
            return np.asarray((self.counts + 0.5) / (self.n_tracks + 1))
        return np.asarray(self.counts / max(self.n_tracks, 1))

    def tally(self, positions: Ids, weights: Values) -> Values:
        """Votes [n, labels] of tracks at positions [n, k], -1 for none, with weights [n, k]."""
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
        """The labels of the tracks at positions [n], [n, labels]."""
        return self.tally(positions[:, None], np.ones((len(positions), 1)))

    def sums_of(self, values: Values) -> Values:
        """For each track, [tracks], the sum of its labels' values [labels], weighted by shares."""
        products = self.share_of * values[self.label_of]
        return np.asarray(np.add.reduceat(products, self.offsets[:-1]))

    def labels_at(self, position: int) -> tuple[str, ...]:
        """The labels of one track."""
        entries = self.label_of[self.offsets[position] : self.offsets[position + 1]]
        return tuple(self.labels[label] for label in entries)

    def subset(self, track_ids: Ids) -> "LabelTable":
        """The table of some of its tracks (ascending), with the labels that they have."""
        positions = np.searchsorted(self.track_ids, track_ids)
        sizes = (self.offsets[1:] - self.offsets[:-1])[positions]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        entries = np.arange(offsets[-1]) + np.repeat(self.offsets[positions] - offsets[:-1], sizes)
        used_labels, label_of = np.unique(self.label_of[entries], return_inverse=True)
        share_of = self.share_of[entries]
        return LabelTable(
            field=self.field,
            labels=tuple(self.labels[label] for label in used_labels),
            is_multi=self.is_multi,
            track_ids=np.asarray(track_ids, dtype=np.int64),
            offsets=offsets,
            label_of=label_of.astype(np.int64),
            share_of=share_of,
            counts=np.asarray(np.bincount(label_of, share_of, len(used_labels)), np.float64),
        )


def make_label_table(
    field: str, values: Mapping[int, Sequence[str]], *, several: bool | None = None
) -> LabelTable:
    """The table of a field from each track's values.

    `several`: whether a track may have several labels; None: if many tracks have several.
    """
    labels_of = {track_id: split_labels(texts) for track_id, texts in sorted(values.items())}
    spelling = _spellings(labels_of.values())
    by_track = {
        track_id: sorted({spelling[label.casefold()] for label in track_labels})
        for track_id, track_labels in labels_of.items()
        if track_labels
    }
    labels = sorted(set(spelling.values()))
    number = {label: position for position, label in enumerate(labels)}
    if several is None:
        n_with_several = sum(len(track_labels) > 1 for track_labels in by_track.values())
        several = n_with_several > MIN_SHARE_WITH_SEVERAL * len(by_track)
    sizes = np.fromiter((len(track_labels) for track_labels in by_track.values()), dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    each = np.repeat(sizes, sizes)
    label_of = np.asarray([number[x] for names in by_track.values() for x in names], np.int64)
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


def _spellings(label_lists: Iterable[list[str]]) -> dict[str, str]:
    """For each case-folded label, its most common spelling."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for labels in label_lists:
        for label in labels:
            counts[label.casefold()][label] += 1
    return {
        folded: min(spelled, key=lambda label: (-spelled[label], label))
        for folded, spelled in counts.items()
    }
