"""What events say about each track: liked or disliked, and with how much evidence.

Of likes and dislikes the last one counts. Plays and skips count by the logarithm of their number,
so that a hundred plays do not drown everything else.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.catalogue.event_rows import Event, EventKind
from index.library_folder.open_library import OpenLibrary
from index.taste.preference import Judgements, Preference, preference_of
from index.taste.traits import TRAITS, Traits, traits_of
from index.vectors.distances import FloatMatrix
from index.vectors.store import IdArray

NO_TASTE = (
    "The events of this library say nothing about other tracks yet, so taste has no effect; see "
    "'soundalike taste show'."
)
JUDGEMENT = 2.0
"""The evidence of a like or dislike; the first play or skip has an evidence of 1."""
PLAY, SKIP = 0.5, 1.0
"""The evidence of a play (many are by chance) and of a skip, for the logarithm of their number."""
MAX_JUDGED = 500
"""More judged tracks make searches slow; those with the latest events count."""
WEIGHT = 3.0
"""With a taste of 1 and judgements without contradictions, preference counts this many times as
much as nearness to the query, each by its standard deviation."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the events of one track say."""

    track_id: int
    value: float
    """-1 (disliked) to 1 (liked); 0 if the events contradict each other."""
    amount: float
    """The evidence."""
    last: int
    """The time of the last event."""


def judged_tracks(events: Iterable[Event]) -> list[Judged]:
    """What events, the oldest first, say about their tracks; the latest track comes first."""
    counts: dict[int, Counter[EventKind]] = {}
    verdicts: dict[int, EventKind] = {}
    last: dict[int, int] = {}
    for event in events:
        counts.setdefault(event.track_id, Counter())[event.kind] += 1
        last[event.track_id] = event.happened
        if event.kind in ("like", "dislike"):
            verdicts[event.track_id] = event.kind
    judged = []
    for track_id, n_of in counts.items():
        verdict = verdicts.get(track_id)
        liked = PLAY * np.log2(1 + n_of["play"]) + JUDGEMENT * (verdict == "like")
        disliked = SKIP * np.log2(1 + n_of["skip"]) + JUDGEMENT * (verdict == "dislike")
        amount = float(liked + disliked)
        value = float(liked - disliked) / amount
        judged.append(Judged(track_id, value, amount, last[track_id]))
    return sorted(judged, key=lambda track: (-track.last, track.track_id))


@dataclass(frozen=True, slots=True, eq=False)
class LibraryPreference:
    """A preference for the tracks of one library."""

    preference: Preference
    judged: Traits

    @property
    def strength(self) -> float:
        """0 (the events say nothing about other tracks) to 1."""
        return self.preference.strength

    def of(self, library: OpenLibrary, ids: IdArray, vectors: FloatMatrix) -> NDArray[np.float64]:
        """The preference for tracks of the library, with their vectors [n, d]."""
        traits = traits_of(library, ids)
        return self.preference.of(
            vectors, {name: self.judged.alike(traits, name) for name in TRAITS}
        )


def preference_in(library: OpenLibrary) -> LibraryPreference | None:
    """The preference that the events of a library show; None if they show none."""
    judged = judged_tracks(library.catalogue.events.all())
    ids = library.catalogue.searchable_among(
        np.array([track.track_id for track in judged], dtype=np.int64)
    )[:MAX_JUDGED]
    if not len(ids):
        return None
    by_id = {track.track_id: track for track in judged}
    kept_tracks = [by_id[track_id] for track_id in ids.tolist()]
    traits = traits_of(library, ids)
    preference = preference_of(
        Judgements(
            library.space,
            library.vectors(ids),
            np.array([track.value for track in kept_tracks]),
            np.array([track.amount for track in kept_tracks]),
            {name: traits.alike(traits, name) for name in TRAITS},
        )
    )
    return None if preference is None else LibraryPreference(preference, traits)


def taste_costs(
    library: OpenLibrary,
    preference: LibraryPreference,
    ids: IdArray,
    vectors: FloatMatrix,
    *,
    taste: float,
) -> NDArray[np.float64]:
    """What to add for tracks with vectors [n, d], in standard deviations of their other costs."""
    preferences = preference.of(library, ids, vectors)
    spread = float(preferences.std())
    if spread < 1e-9:
        return np.zeros(len(vectors))
    scaled: NDArray[np.float64] = (preferences - preferences.mean()) / spread
    return -WEIGHT * taste * preference.strength * scaled
