"""The candidates of a playlist: tracks near its targets, from one search at a few of them."""

import math
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.playlists.solver.rules import Marks
from index.search.asked import QueryTrack
from index.vectors.distances import FloatMatrix
from index.vectors.store import NO_TRACK, IdArray

MAX_POINTS = 8
"""A route with more targets is searched at this many of them, evenly spaced."""
OVERLAP = 1.4
"""Searches at nearby targets return the same tracks, so each asks for this many times more."""
MAX_CANDIDATES = 50_000
READ_ALONE = 256
"""After this many single reads, the remaining tracks are read together."""
SMALL_LIBRARY = 512
"""With at most this many possible tracks, all of them are candidates."""


class LazyTracks(Sequence[TrackRecord]):
    """Tracks that are read from the catalogue when they are needed."""

    def __init__(self, library: OpenLibrary, given: Sequence[TrackRecord], ids: IdArray) -> None:
        self._library = library
        self._given = given
        self._ids = ids
        self._records: dict[int, TrackRecord] = {}
        self._n_read = 0

    def __len__(self) -> int:
        return len(self._given) + len(self._ids)

    @overload
    def __getitem__(self, row: int) -> TrackRecord: ...
    @overload
    def __getitem__(self, row: slice) -> list[TrackRecord]: ...
    def __getitem__(self, row: int | slice) -> TrackRecord | list[TrackRecord]:
        if isinstance(row, slice):
            if len(self._records) < len(self._ids):
                self._read_all()
            records = [self._records[position] for position in range(len(self._ids))]
            return [*self._given, *records][row]
        if not 0 <= row < len(self):
            raise IndexError(row)
        if row < len(self._given):
            return self._given[row]
        position = row - len(self._given)
        if position not in self._records:
            self._read(position)
        return self._records[position]

    def __iter__(self) -> Iterator[TrackRecord]:
        return iter(self[:])

    def _read(self, position: int) -> None:
        """Read single tracks at first, as most candidates are never needed; then all of them."""
        self._n_read += 1
        if self._n_read > READ_ALONE:
            self._read_all()
        else:
            self._records[position] = self._library.tracks(self._ids[position : position + 1])[0]

    def _read_all(self) -> None:
        self._records = dict(enumerate(self._library.tracks(self._ids)))


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Candidates: first the given tracks, then the others."""

    tracks: LazyTracks
    vectors: FloatMatrix
    marks: Marks
    is_whole: bool
    """Whether a wider search would find no more."""

    def __len__(self) -> int:
        return len(self.tracks)

    @property
    def durations(self) -> NDArray[np.float64]:
        """In seconds [n], NaN where unknown."""
        return np.array([track.duration_seconds or np.nan for track in self.tracks])


def gather(
    library: OpenLibrary,
    targets: FloatMatrix,
    *,
    n_wanted: int,
    given: list[QueryTrack],
    allowed: IdArray | None,
    banned: AbstractSet[int],
    generator: np.random.Generator,
) -> Pool:
    """About `n_wanted` candidates near targets [t, d]; random ones if there are no targets."""
    n_wanted = min(n_wanted, MAX_CANDIDATES)
    possible = library.store.ids() if allowed is None else allowed
    is_all = len(possible) <= max(n_wanted + len(banned), SMALL_LIBRARY)
    if is_all:
        ids = possible
    elif len(targets):
        ids = _near(library, targets, n_wanted + len(banned), allowed)
    else:
        ids = some_of(possible, n_wanted + len(banned), generator)
    excluded = {track.record.id for track in given} | banned
    if excluded:
        ids = ids[~np.isin(ids, np.fromiter(excluded, dtype=np.int64))]
    tracks = LazyTracks(library, [track.record for track in given], ids)
    given_vectors = [track.vector for track in given]
    vectors = library.vectors(ids)
    if given_vectors:
        vectors = np.concatenate([library.space.to_unit(np.stack(given_vectors)), vectors])
    is_whole = is_all or n_wanted == MAX_CANDIDATES

    def artists_of(some: Sequence[TrackRecord]) -> list[frozenset[str]]:
        return library.artists.of(some)  # an arc may close and open the catalogue meanwhile

    return Pool(tracks, vectors, Marks(tracks, artists_of), is_whole)


def some_of(ids: IdArray, n: int, generator: np.random.Generator) -> IdArray:
    """About n random ids, ascending; the time does not depend on the number of ids."""
    if n >= len(ids):
        return ids
    chosen: IdArray = ids[np.unique(generator.integers(len(ids), size=n))]
    return chosen


def _near(
    library: OpenLibrary, targets: FloatMatrix, n_wanted: int, allowed: IdArray | None
) -> IdArray:
    if len(targets) > MAX_POINTS:
        targets = targets[np.linspace(0, len(targets) - 1, MAX_POINTS).round().astype(int)]
    k = n_wanted if len(targets) == 1 else math.ceil(OVERLAP * n_wanted / len(targets))
    _, nearest_ids = library.nearest(targets, k, allowed_ids=allowed)
    # Nearest first, so that the likely tracks are read together.
    flat = nearest_ids.T.ravel()
    ids, first_positions = np.unique(flat[flat != NO_TRACK], return_index=True)
    ordered: IdArray = ids[np.argsort(first_positions)]
    return ordered
