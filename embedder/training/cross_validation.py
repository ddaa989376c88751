"""Cross-validation of a run whose backbone is frozen: every track is held out once.

The inputs of the head are computed already, so a fold takes a moment. In each fold the projection
is fitted (`--fit`) or trained (`--freeze`) as the run did it, on the tracks of the other folds. The
head of the run's objective answers; if it has none, a logistic regression on the vectors, as in the
finished model. Folds keep together: copies of a recording, an artist, and the
sessions of recorded takes if every label has at least two of them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from embedder.config.training import TrainingConfig
from embedder.datasets.dataset import Dataset
from embedder.datasets.records import Side, TrackRow
from embedder.datasets.splitting import fold_dataset, is_drawn, track_blocks
from embedder.models.loaded import LoadedModel
from embedder.training.feeding.known_tracks import KnownTracks
from embedder.training.heads import fitted_head, truths_of
from embedder.training.retraining import can_retrain, retrained
from embedder.training.start.refitting import has_frozen_features, refitted_network
from embedder.training.start.starting_point import StartingPoint
from embedder.training.validation import EncodedExcerpts, encode_excerpts

N_FOLDS = 5
MAX_TRACKS = 3000
"""With more, a single held-out side is as good and costs less."""
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidated:
    """What a head answers to each track when it was fitted without the track's fold."""

    rows: Ids
    """The tracks, by their position in the data set."""
    labels: Ids
    answers: Ids
    probabilities: NDArray[np.float64]
    """Of each answer."""
    names: tuple[str, ...]
    n_folds: int
    apart_by: str
    """What no fold divides: session, artist, or track if neither is known."""

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return float((self.labels == self.answers).mean())

    @property
    def confusion(self) -> Ids:
        """Rows: the true label; columns: the answer."""
        counts = np.zeros((len(self.names), len(self.names)), dtype=np.int64)
        np.add.at(counts, (self.labels, self.answers), 1)
        return counts

    @property
    def wrong(self) -> Ids:
        """Places of the wrong answers in `rows`, the surest first."""
        places = np.flatnonzero(self.labels != self.answers)
        return places[np.argsort(-self.probabilities[places], kind="stable")]

    def to_json(self, rows: Sequence[TrackRow]) -> dict[str, Any]:
        """Figures, the confusion matrix, and the tracks with wrong answers."""
        return {
            "accuracy": self.accuracy,
            "n_folds": self.n_folds,
            "n_tracks": len(self.rows),
            "apart_by": self.apart_by,
            "labels": list(self.names),
            "confusion": self.confusion.tolist(),
            "wrong": [
                {
                    "track": rows[self.rows[place]].key,
                    "label": self.names[self.labels[place]],
                    "answer": self.names[self.answers[place]],
                    "probability": round(float(self.probabilities[place]), 4),
                }
                for place in self.wrong.tolist()
            ],
        }


def cross_validated(
    dataset: Dataset,
    known: KnownTracks,
    start: StartingPoint,
    config: TrainingConfig,
    *,
    base: LoadedModel | None = None,
) -> CrossValidated | None:
    """Hold out every labelled track once. None if features are not frozen, or a label is too rare.

    A stored test side stays out of it.
    """
    rows = _usable_rows(dataset, known)
    if not config.transfer.freeze or not has_frozen_features(start) or config.dataset.fold >= 0:
        return None
    if not 0 < len(rows) <= MAX_TRACKS:
        return None
    tracks, apart_by = _apart(dataset.subset(rows), config)
    n_folds = min(N_FOLDS, _n_blocks_of_rarest(tracks, config.dataset.label_field))
    if n_folds < 2 or len(np.unique(known.labels[rows])) < 2:
        return None
    answers = np.full(len(rows), -1, dtype=np.int64)
    probabilities = np.zeros(len(rows))
    for fold in range(n_folds):
        held_out = fold_dataset(
            tracks,
            n_folds=n_folds,
            fold=fold,
            label_field=config.dataset.label_field,
            apart_by=_BLOCKS[apart_by],
            seed=config.dataset.seed,
        )
        places = held_out.positions("test")
        training = rows[held_out.positions("train")]
        chances = _chances(start, known, config, training, rows[places], base=base)
        if chances is None:  # a fold has only one label left to learn from, or Ctrl-C ended it
            return None
        answers[places] = chances.argmax(axis=1)
        probabilities[places] = chances.max(axis=1)
    return CrossValidated(
        rows, known.labels[rows], answers, probabilities, known.label_names, n_folds, apart_by
    )


_BLOCKS = {"session": "artist", "artist": "artist", "album": "album", "track": "track"}
"""How `splitting` names what must stay together: sessions stand as groups, as artists do."""


def _usable_rows(dataset: Dataset, known: KnownTracks) -> Ids:
    sides: set[Side] = {"train", "validation"}
    if is_drawn(dataset):
        sides.add("test")
    is_usable = np.array([row.split in sides for row in dataset.rows]) & (known.labels >= 0)
    return np.flatnonzero(is_usable)


def _apart(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, str]:
    """The tracks with sessions as groups if that leaves every label in two folds at least."""
    if all(len(sessions) > 1 for sessions in sessions_of(dataset, config.dataset.label_field)):
        rows = tuple(replace(row, group=f"session {row.session}") for row in dataset.rows)
        return replace(dataset, rows=rows), "session"
    has_artists = any(row.group for row in dataset.rows)
    if config.dataset.split_by == "artist" and not has_artists:
        return dataset, "track"
    return dataset, config.dataset.split_by


def sessions_of(dataset: Dataset, label_field: str) -> list[set[str]]:
    """The sessions of each label's takes; an empty set if a take's session is not known."""
    sessions: defaultdict[str, set[str]] = defaultdict(set)
    for row in dataset.rows:
        for label in row.values(label_field)[:1]:
            sessions[label].add(row.session)
    return [set() if "" in values else values for values in sessions.values()]


def _n_blocks_of_rarest(dataset: Dataset, label_field: str) -> int:
    """How many tracks, artists or sessions the label has that has fewest."""
    blocks = track_blocks(dataset, "artist")
    of_label: defaultdict[str, set[int]] = defaultdict(set)
    for row, block in zip(dataset.rows, blocks.tolist(), strict=True):
        for label in row.values(label_field)[:1]:
            of_label[label].add(block)
    return min(map(len, of_label.values()), default=0)


def _chances(
    start: StartingPoint,
    known: KnownTracks,
    config: TrainingConfig,
    training: Ids,
    queries: Ids,
    *,
    base: LoadedModel | None,
) -> NDArray[np.floating[Any]] | None:
    """The probability of each label for each query: [queries, labels]."""
    head = None
    if base is not None and config.loop.epochs and can_retrain(config):
        trained = retrained(start, known, config, rows=training, base=base)
        if trained is None:
            return None
        network, head = trained
    else:
        network = refitted_network(start, config, training, known.indicators(training))
    head = head or fitted_head(
        _encoded(start, training, network),
        truths_of(known)["labels"],
        known.label_names,
        kind="softmax",
        field=config.dataset.label_field,
    )
    if head is None:
        return None
    owners, vectors = _encoded(start, queries, network)
    parts = (vectors[torch.from_numpy(owners == row)].numpy() for row in queries.tolist())
    return np.stack([head.track_probabilities(part) for part in parts])


def _encoded(start: StartingPoint, rows: Ids, network: torch.nn.Module) -> EncodedExcerpts:
    return encode_excerpts(
        start.source, rows, network, start.front_end.cpu(), device=torch.device("cpu")
    )
