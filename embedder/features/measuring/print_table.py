"""A table of fingerprints by their words: which tracks may be copies, without comparing all pairs.

A copy repeats some words exactly, all of them at the same distance in time. The table counts equal
words by track and distance. Tracks with `LEAST_VOTES` equal words at one distance (or at two that
are neighbours) are candidates, which `Comparison` then compares bit by bit.

    fingerprint   … 0x3a41 0x3a41 0x91c0 0x70f2 …      a sustained word is counted once
    table         0x91c0 ─▶ (track 4, frame 17), (track 9, frame 203)
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from embedder.features.measuring.fingerprint import Comparison, words_of

LEAST_VOTES = 4
COMMON_WORD = 4
"""A word is left out if it is this many times as frequent as the average word of the table."""
N_DISTANCES = 1024
"""Room for two fingerprints of 30 seconds side by side, in frames."""
BLOCK = 256
"""Tracks in a table; a larger one would hold more postings than the processor's cache."""

Rows = NDArray[np.int64]


class PrintTable:
    """The words of some fingerprints, and where they occur."""

    def __init__(self, prints: Sequence[bytes]) -> None:
        words, tracks, frames = _postings(prints)
        order = np.argsort(words, kind="stable")
        self._tracks, self._frames = tracks[order], frames[order]
        counts = np.bincount(words, minlength=1 << 16)
        self._starts = np.cumsum(counts) - counts
        limit = COMMON_WORD * max(1.0, len(words) / max(1, int(np.count_nonzero(counts))))
        self._counts = np.where(counts > limit, 0, counts)
        self._n_tracks = len(prints)

    def candidates(self, prints: Sequence[bytes]) -> NDArray[np.int64]:
        """Pairs that may be copies: [pairs, 2], rows of the table and of the given prints."""
        words, tracks, frames = _postings(prints)
        counts = self._counts[words]
        posting = np.repeat(self._starts[words] - (np.cumsum(counts) - counts), counts)
        posting += np.arange(len(posting))
        distance = self._frames[posting] - np.repeat(frames, counts) + N_DISTANCES // 2
        pair = self._tracks[posting] * len(prints) + np.repeat(tracks, counts)
        places, votes = np.unique(pair * N_DISTANCES + distance, return_counts=True)
        if len(places):  # a copy that lies between two distances votes for both
            is_next = np.diff(places) == 1
            votes[:-1] += np.where(is_next, votes[1:], 0)
        pairs = np.unique(places[votes >= LEAST_VOTES] // N_DISTANCES)
        return np.stack(np.divmod(pairs, max(1, len(prints))), axis=1)


def copy_pairs(prints: Sequence[bytes]) -> Iterator[tuple[int, int, float]]:
    """All pairs of rows that are one recording, with their likeness; empty prints have none."""
    comparison = Comparison()
    for start in range(0, len(prints), BLOCK):
        table = PrintTable(prints[start : start + BLOCK])
        pairs = table.candidates(prints[start:]) + start
        for first in np.unique(pairs[:, 0]).tolist():
            others = [row for row in pairs[pairs[:, 0] == first, 1].tolist() if row > first]
            matches = comparison.matches(prints[first], [prints[row] for row in others])
            for row, match in zip(others, matches, strict=True):
                if match.is_copy:
                    yield first, row, match.likeness


def _postings(
    prints: Sequence[bytes],
) -> tuple[NDArray[np.uint16], NDArray[np.int64], NDArray[np.int64]]:
    """Words, the rows of their tracks, and their frames; without silence and sustained words."""
    parts = [words_of(data)[: N_DISTANCES // 2] for data in prints]
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    words = np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint16)
    tracks = np.repeat(np.arange(len(parts)), lengths)
    frames = np.arange(len(words)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    is_new = words != 0
    is_new[1:] &= (words[1:] != words[:-1]) | (tracks[1:] != tracks[:-1])
    return words[is_new], tracks[is_new], frames[is_new]
