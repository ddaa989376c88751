"""Finding the copies of a recording: candidates first, then fingerprints at every offset.

Candidates of a new track are its nearest neighbours, and all tracks that share words of its
fingerprint, however many tracks are nearer. The pairs are stored. Queries read them and compare
nothing. A query file outside the library is compared with its nearest neighbours when it is
analysed: reading all fingerprints would take longer than the query.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from embedder.features.measuring.fingerprint import (
    MOST_SECONDS_APART,
    NAME,
    VERSION,
    Comparison,
)
from embedder.features.measuring.print_table import PrintTable
from index.catalogue.catalogue import Catalogue
from index.vectors.distances import FloatMatrix
from index.vectors.store import NO_TRACK, VectorStore

MARK = "compared"
"""In the table `measured`: the track has been compared with the library. Earlier versions, whose
mark was `copies`, compared neighbours only: their tracks are compared again."""
N_CANDIDATES = 12
N_CANDIDATES_OF_FILE = 50
"""A file outside the library is not looked up by its words, so more neighbours are compared."""
BLOCK_TRACKS = 256
CHUNK_TRACKS = 4096
"""So many fingerprints are read from the catalogue at once, and looked up in a block's table."""


def find_copies(
    catalogue: Catalogue, store: VectorStore, *, on_block: Callable[[int], None] | None = None
) -> int:
    """Compare the tracks that have not been compared yet; returns the number of new pairs."""
    waiting = catalogue.measured.waiting(NAME, VERSION, mark=MARK)
    ids = np.intersect1d(np.asarray(waiting, dtype=np.int64), store.ids())
    comparison, n_pairs = Comparison(), 0
    for start in range(0, len(ids), BLOCK_TRACKS):
        block = ids[start : start + BLOCK_TRACKS]
        _, near = store.search(store.vectors(block), N_CANDIDATES + 1)
        by_words = _sharing_words(catalogue, block)
        ids_needed = np.unique(np.concatenate([block, near[near != NO_TRACK], by_words[:, 1]]))
        search = _Candidates(catalogue, ids_needed.tolist())
        pairs = []
        for row, track_id in enumerate(block.tolist()):
            candidates = np.union1d(near[row], by_words[by_words[:, 0] == track_id, 1]).tolist()
            pairs += [(track_id, *pair) for pair in search.copies(track_id, candidates, comparison)]
        with catalogue.database.transaction():
            catalogue.recordings.add(pairs)
            catalogue.measured.mark(MARK, VERSION, block.tolist())
        n_pairs += len({(min(a, b), max(a, b)) for a, b, _ in pairs})
        if on_block is not None:
            on_block(len(block))
    return n_pairs


def copies_of_sound(
    catalogue: Catalogue,
    store: VectorStore,
    *,
    vector: FloatMatrix,
    fingerprint: bytes,
    seconds: float | None,
) -> list[int]:
    """The tracks that are the recording of a sound, likeliest first."""
    if not fingerprint or not len(store.ids()):
        return []
    _, near = store.search(np.asarray(vector, dtype=np.float32)[None], N_CANDIDATES_OF_FILE)
    ids = [track_id for track_id in near[0].tolist() if track_id != NO_TRACK]
    search = _Candidates(catalogue, ids)
    matches = search.matches(fingerprint, seconds, ids, Comparison())
    return [track_id for track_id, _ in sorted(matches, key=lambda match: -match[1])]


def _sharing_words(catalogue: Catalogue, block: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of a track of the block and a track of the library with equal words: [pairs, 2]."""
    stored = catalogue.measured.data(NAME, VERSION, block.tolist())
    table, ids = PrintTable(list(stored.values())), np.array(list(stored), dtype=np.int64)
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for others in catalogue.measured.chunks(NAME, VERSION, n_tracks=CHUNK_TRACKS):
        rows = table.candidates(list(others.values()))
        other_ids = np.array(list(others), dtype=np.int64)
        pairs.append(np.stack([ids[rows[:, 0]], other_ids[rows[:, 1]]], axis=1))
    return np.concatenate(pairs)


class _Candidates:
    """The fingerprints, lengths and digests of some tracks."""

    def __init__(self, catalogue: Catalogue, ids: Sequence[int]) -> None:
        self._fingerprints = catalogue.measured.data(NAME, VERSION, ids)
        self._records = {record.id: record for record in catalogue.tracks(ids)}

    def copies(
        self, track_id: int, candidates: Sequence[int], comparison: Comparison
    ) -> list[tuple[int, float]]:
        """The candidates that are a track's recording; equal audio needs no comparison."""
        own = self._records[track_id]
        others = [
            other
            for other in candidates
            if other in self._records
            and other != track_id
            and self._records[other].audio_digest != own.audio_digest
        ]
        fingerprint = self._fingerprints.get(track_id, b"")
        return self.matches(fingerprint, own.duration_seconds, others, comparison)

    def matches(
        self,
        fingerprint: bytes,
        seconds: float | None,
        candidates: Sequence[int],
        comparison: Comparison,
    ) -> list[tuple[int, float]]:
        """The candidates that match a fingerprint, with the likeness."""
        if not fingerprint:
            return []
        others = [
            other
            for other in candidates
            if other in self._fingerprints and self._has_length(other, seconds)
        ]
        matches = comparison.matches(fingerprint, [self._fingerprints[i] for i in others])
        return [
            (other, match.likeness)
            for other, match in zip(others, matches, strict=True)
            if match.is_copy
        ]

    def _has_length(self, track_id: int, seconds: float | None) -> bool:
        own = self._records[track_id].duration_seconds
        return own is None or seconds is None or abs(own - seconds) <= MOST_SECONDS_APART
