"""Held-out retrieval while training: do a track's neighbours among the training tracks agree?

The score that early stopping and `best` go by is the neighbour vote's accuracy on held-out tracks
(or, where tracks have tags alone, the mean average precision of tag retrieval; or, where a tagging
head comes first among the objectives, its macro PR-AUC). References are
training tracks, at most a few thousand of them, the same ones every time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from embedder.config.training import StoppingMeasure
from embedder.features.front_end import FrontEnd
from embedder.geometry import Geometry
from embedder.metrics.ranking import Apart, Ranking, count_relevant, neighbour_ranking
from embedder.metrics.retrieval import average_precision, relevance, tag_relevance
from embedder.metrics.tagging import TagScores, tag_scores
from embedder.metrics.voting import VoteScores, neighbour_vote, vote_scores
from embedder.training.feeding.sources import BatchSource, Rows, in_batches

MAX_REFERENCES = 4000
ENCODING_BATCH = 64

Vectors = NDArray[np.float32]
Heard = tuple[Rows, torch.Tensor]
"""Excerpts: the track of each, int64 [excerpts], and float32 [excerpts, size]."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found on the held-out side: rows of the ranking count within the references."""

    scores: dict[str, float]
    ranking: Ranking
    vote: VoteScores | None
    tags: TagScores | None = None
    """Of the tagging head."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Which tracks ask, which answer, and what is true. Ids are those of all tracks."""

    source: BatchSource
    references: Rows
    queries: Rows
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    """Of one artist, and so no answer; -1 unknown."""
    tags: NDArray[np.float32] | None
    n_labels: int
    geometry: Geometry
    n_neighbours: int
    device: torch.device
    tag_probabilities: Callable[[Vectors], Vectors] | None = None
    """The tagging head as it stands: [excerpts, size] to [excerpts, tags]."""
    goes_by_tags: bool = False
    goes_by: StoppingMeasure = "map"
    """Which of the labels' scores is `score`."""

    def __call__(self, network: nn.Module, front_end: FrontEnd) -> dict[str, float]:
        """`score` and what else is known, of the network as it stands; nothing without queries."""
        return self.measure(network, front_end).scores if len(self.queries) else {}

    def measure(self, network: nn.Module, front_end: FrontEnd) -> "Measured":
        """The scores with what they come from."""
        heard = [
            encode_excerpts(self.source, rows, network, front_end, device=self.device)
            for rows in (self.queries, self.references)
        ]
        ranking = self.rank(
            (self._means(heard[0], self.queries), self._means(heard[1], self.references))
        )
        scores: dict[str, float] = {}
        if self.tags is not None:
            relevant = tag_relevance(ranking, self.tags[self.queries], self.tags[self.references])
            found = np.full(len(self.queries), ranking.rows.shape[1])
            scores |= _mean_known("tag_map", average_precision(relevant, found))
        vote = None
        if self.n_labels:
            relevant = relevance(ranking, self.labels[self.queries], self.labels[self.references])
            scores |= _mean_known("map", average_precision(relevant, self._n_relevant()))
            vote = self.vote(ranking)
            scores["accuracy"] = vote.accuracy
        tags = self._score_tags(heard[0])
        if tags is not None:
            scores["roc_auc"], scores["pr_auc"] = tags.macro_roc_auc, tags.macro_pr_auc
        told = (self.goes_by, "accuracy", "tag_map")  # the first that there is
        scores["score"] = next((scores[name] for name in told if name in scores), 0.0)
        if self.goes_by_tags and tags is not None:
            scores["score"] = tags.macro_pr_auc
        return Measured(scores, ranking, vote, tags)

    def _means(self, heard: Heard, rows: Rows) -> Vectors:
        return track_means(*heard, rows, geometry=self.geometry)

    def _score_tags(self, heard: Heard) -> TagScores | None:
        """The head's probabilities, excerpts averaged, against the tags of tagged queries."""
        if self.tag_probabilities is None or self.tags is None:
            return None
        owners, outputs = heard
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        sums = np.add.reduceat(self.tag_probabilities(outputs.numpy()), starts, axis=0)
        means = sums / np.diff([*starts, len(owners)])[:, None]
        truth = self.tags[self.queries]
        is_tagged = truth.any(axis=1)
        found = tag_scores(means[is_tagged], truth[is_tagged])
        return found if found.n_tags_scored else None

    def rank(self, vectors: tuple[Vectors, Vectors]) -> Ranking:
        """Each query's nearest references, its own artist left out."""
        return neighbour_ranking(
            vectors[0],
            vectors[1],
            geometry=self.geometry,
            k=min(self.n_neighbours, len(self.references)),
            apart=[self._apart()],
        )

    def vote(self, ranking: Ranking) -> VoteScores:
        """The neighbours' vote on the label."""
        shares = neighbour_vote(ranking, self.labels[self.references], n_labels=self.n_labels)
        return vote_scores(shares, self.labels[self.queries])

    def _apart(self) -> Apart:
        return Apart(self.groups[self.queries], self.groups[self.references])

    def _n_relevant(self) -> NDArray[np.int64]:
        return count_relevant(
            self.labels[self.queries], self.labels[self.references], apart=[self._apart()]
        )


def some_references(rows: Rows, *, seed: int) -> Rows:
    """At most `MAX_REFERENCES` of the rows, in order."""
    if len(rows) <= MAX_REFERENCES:
        return rows
    chosen = np.random.default_rng([seed, 7]).choice(rows, MAX_REFERENCES, replace=False)
    return np.sort(chosen)


@torch.inference_mode()
def encode_excerpts(
    source: BatchSource,
    rows: Rows,
    network: nn.Module,
    front_end: FrontEnd,
    *,
    device: torch.device,
) -> Heard:
    """What inference would make of tracks: whose each excerpt is, and its vector."""
    was_training = network.training
    network.eval()
    normalisation = front_end.normalisation.eval()
    owners, outputs = [], []
    for batch_owners, levels in in_batches(source, rows, batch_size=ENCODING_BATCH):
        owners.append(batch_owners)
        outputs.append(network(normalisation(levels.to(device))).float().cpu())
    network.train(was_training)
    return np.concatenate(owners), torch.cat(outputs)


def track_means(
    owners: NDArray[np.int64], outputs: torch.Tensor, rows: Rows, *, geometry: Geometry
) -> Vectors:
    """The mean of each track's excerpts on the geometry; owners come in runs, in order of rows."""
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    if len(starts) == len(owners) == len(rows):  # one excerpt a track
        return outputs.numpy()
    parts = torch.tensor_split(outputs, torch.from_numpy(starts[1:]))
    return torch.stack([geometry.mean(part) for part in parts]).numpy()


def _mean_known(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    """The mean of those that are numbers; nothing where no query has anything to find."""
    known = values[np.isfinite(values)]
    return {name: float(known.mean())} if len(known) else {}
