"""The candidates of a playlist: what is near its way, from one search of a few points."""

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
"""A way of many points is searched at so many of them, evenly spread."""
OVERLAP = 1.4
"""What lies near one point lies near its neighbours too: so many are found for each one wanted."""
MAX_CANDIDATES = 50_000
READ_ALONE = 256
"""After so many single reads, the rest is read at once."""
SMALL_LIBRARY = 512
"""So many candidates need no search: all of them are looked at."""


class LazyTracks(Sequence[TrackRecord]):
    """Tracks that are read from the catalogue when they are asked for."""

    def __init__(self, library: OpenLibrary, given: Sequence[TrackRecord], ids: IdArray) -> None:
        self._library = library
        self._given = given
        self._ids = ids
        self._known: dict[int, TrackRecord] = {}
        self._n_read = 0

    def __len__(self) -> int:
        return len(self._given) + len(self._ids)

    @overload
    def __getitem__(self, row: int) -> TrackRecord: ...
    @overload
    def __getitem__(self, row: slice) -> list[TrackRecord]: ...
    def __getitem__(self, row: int | slice) -> TrackRecord | list[TrackRecord]:
        if isinstance(row, slice):
            if len(self._known) < len(self._ids):
                self._read_all()
            found = [self._known[at] for at in range(len(self._ids))]
            return [*self._given, *found][row]
        if not 0 <= row < len(self):
            raise IndexError(row)
        if row < len(self._given):
            return self._given[row]
        at = row - len(self._given)
        if at not in self._known:
            self._read(at)
        return self._known[at]

    def __iter__(self) -> Iterator[TrackRecord]:
        return iter(self[:])

    def _read(self, at: int) -> None:
        """One alone while few are asked for, as most candidates never are; then all."""
        self._n_read += 1
        if self._n_read > READ_ALONE:
            self._read_all()
        else:
            self._known[at] = self._library.tracks(self._ids[at : at + 1])[0]

    def _read_all(self) -> None:
        self._known = dict(enumerate(self._library.tracks(self._ids)))


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Candidates: first what was given, then what was found."""

    tracks: LazyTracks
    vectors: FloatMatrix
    marks: Marks
    is_whole: bool
    """Nothing else could be found by looking at more."""

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
    """About `n_wanted` candidates near to targets [t, d]; without targets, any."""
    n_wanted = min(n_wanted, MAX_CANDIDATES)
    possible = library.store.ids() if allowed is None else allowed
    is_all = len(possible) <= max(n_wanted + len(banned), SMALL_LIBRARY)
    if is_all:
        ids = possible
    elif len(targets):
        ids = _near(library, targets, n_wanted + len(banned), allowed)
    else:
        ids = some_of(possible, n_wanted + len(banned), generator)
    known = {one.record.id for one in given} | banned
    if known:
        ids = ids[~np.isin(ids, np.fromiter(known, dtype=np.int64))]
    tracks = LazyTracks(library, [one.record for one in given], ids)
    own = [one.vector for one in given]
    vectors = library.vectors(ids)
    if own:
        vectors = np.concatenate([library.space.to_unit(np.stack(own)), vectors])
    is_whole = is_all or n_wanted == MAX_CANDIDATES
    return Pool(tracks, vectors, Marks(tracks), is_whole)


def some_of(ids: IdArray, n: int, generator: np.random.Generator) -> IdArray:
    """About n ids at random, ascending, in no more time for more ids than that."""
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
    _, found = library.nearest(targets, k, allowed_ids=allowed)
    # Nearest first, so that what is likely to come is read together.
    flat = found.T.ravel()
    ids, at = np.unique(flat[flat != NO_TRACK], return_index=True)
    ordered: IdArray = ids[np.argsort(at)]
    return ordered
