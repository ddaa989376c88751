"""Which labels and artists the scores of a library are about, and which tracks share one.

The field is `genre` if enough tracks have it, otherwise the field of a data set that most tracks
have. If no field has labels, scores are about artists alone.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.metrics.id_sets import IdSets
from index.catalogue.artists import LibraryArtists
from index.catalogue.catalogue import Catalogue, ModelRow
from index.library_folder.library_scores import LabelState
from index.vectors.store import IdArray

MIN_LABELLED = 10
MIN_SHARE_LABELLED = 0.2
GENRE = "genre"
SEPARATOR = ";"
NAMES = ("title", "artist", "albumartist", "album", "composer", "split")
"""Labels of a data set that say which track it is, not what it is like."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreLabels:
    """Which field scores are about, and the tracks that it says something about."""

    state: LabelState
    ids: IdArray
    """The tracks with a label, or with an artist if no field has labels; ascending."""


def label_state(catalogue: Catalogue, model: ModelRow, n_tracks: int) -> LabelState:
    """The field that the scores of a library are about, and how often its labels are equal."""
    for field in _candidates(catalogue):
        counts: Counter[str] = Counter()
        for value, count in catalogue.label_counts(field).items():
            counts[value.casefold().strip()] += count
        n_labelled = sum(counts.values())
        if n_labelled >= max(MIN_LABELLED, MIN_SHARE_LABELLED * n_tracks) and len(counts) > 1:
            share = sum((count / n_labelled) ** 2 for count in counts.values())
            return LabelState(model.fingerprint, n_tracks, field, n_labelled, share)
    n_named = sum(catalogue.label_counts("artist").values())
    return LabelState(model.fingerprint, n_tracks, "", n_named, 0.0)


def score_labels(catalogue: Catalogue, state: LabelState, all_ids: IdArray) -> ScoreLabels:
    """The tracks among `all_ids` that scores can be fitted with."""
    labelled = np.asarray(catalogue.ids_with(state.field or "artist"), dtype=np.int64)
    return ScoreLabels(state, np.intersect1d(labelled, all_ids, assume_unique=True))


def alike_sets(catalogue: Catalogue, labels: ScoreLabels, ids: IdArray) -> IdSets:
    """What some tracks may share: a number for each label and each artist of a track."""
    listed = ids.tolist()
    artists = LibraryArtists(catalogue.database).of_ids(listed)
    field = labels.state.field
    values = catalogue.field_values(field, listed) if field else {}
    names: list[list[Hashable]] = [
        [
            *_folded(values.get(track_id, ())),
            *(("artist", artist) for artist in artists.get(track_id, ())),
        ]
        for track_id in listed
    ]
    numbers: dict[Hashable, int] = {}
    return IdSets.of(
        [{numbers.setdefault(name, len(numbers)) for name in of_track} for of_track in names]
    )


def recordings(catalogue: Catalogue, ids: IdArray) -> NDArray[np.int64]:
    """A number for each track, int64 [n]: the same for copies of a recording."""
    keys = catalogue.recording_keys(ids.tolist())
    first_of: dict[bytes, int] = {}
    return np.array(
        [
            first_of.setdefault(key, track_id) if key else track_id
            for track_id in ids.tolist()
            for key in [keys.get(track_id, b"")]
        ],
        dtype=np.int64,
    )


def _candidates(catalogue: Catalogue) -> list[str]:
    """The fields that scores may be about, the first that will do."""
    counts: Counter[str] = Counter()
    for source in catalogue.labels.sources():
        counts.update(catalogue.labels.fields_of(source.id))
    of_datasets = [name for name in counts if name != GENRE and name not in NAMES]
    return [GENRE, *sorted(of_datasets, key=lambda name: (-counts[name], name))]


def _folded(texts: Iterable[str]) -> list[str]:
    """Case makes no difference, and one tag may hold several labels."""
    parts = (part.strip() for text in texts for part in text.casefold().split(SEPARATOR))
    return [part for part in parts if part]
