"""The candidates of a playlist: what is near its way, from one search of a few points."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.playlists.rules import Marks, marks_of
from index.queries import QueryTrack
from index.results import TrackRecord
from index.vectors.distances import FloatMatrix
from index.vectors.store import NO_TRACK, IdArray

if TYPE_CHECKING:
    from index.library_reader import LibraryReader

MAX_POINTS = 8
"""A way of many points is searched at so many of them, evenly spread."""
MAX_CANDIDATES = 50_000
SMALL_LIBRARY = 512
"""So many candidates need no search: all of them are looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Candidates: first what was given, then what was found."""

    tracks: list[TrackRecord]
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
    library: "LibraryReader",
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
        ids = np.sort(generator.choice(possible, n_wanted + len(banned), replace=False))
    known = {one.record.id for one in given} | banned
    if known:
        ids = ids[~np.isin(ids, np.fromiter(known, dtype=np.int64))]
    tracks = [*(one.record for one in given), *library.tracks(ids)]
    own = [one.vector for one in given]
    vectors = library.vectors(ids)
    if own:
        vectors = np.concatenate([library.space.to_unit(np.stack(own)), vectors])
    is_whole = is_all or n_wanted == MAX_CANDIDATES
    return Pool(tracks, vectors, marks_of(tracks), is_whole)


def _near(
    library: "LibraryReader", targets: FloatMatrix, n_wanted: int, allowed: IdArray | None
) -> IdArray:
    if len(targets) > MAX_POINTS:
        targets = targets[np.linspace(0, len(targets) - 1, MAX_POINTS).round().astype(int)]
    # What lies near one point lies near its neighbours too.
    k = n_wanted if len(targets) == 1 else -(-2 * n_wanted // len(targets))
    _, found = library.nearest(targets, k, allowed_ids=allowed)
    ids: IdArray = np.unique(found[found != NO_TRACK])
    return ids
