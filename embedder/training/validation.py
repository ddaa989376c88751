"""Held-out retrieval during training: labels of a track's neighbours among training tracks.

The scores of an epoch are the accuracy of the neighbours' vote and the mean average precision over
the whole ranking, of labels and of tags, and the AUCs of the tagging head, if there is one.
`score` is the one that early stopping and `best` go by. References are training tracks, at most a
few thousand of them, the same ones every time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from embedder.config.training import StoppingMeasure
from embedder.errors import DatasetError
from embedder.features.front_end import FrontEnd
from embedder.geometry import Geometry
from embedder.metrics.ranking import Apart, Ranking, neighbour_ranking
from embedder.metrics.tagging import TagScores, tag_scores
from embedder.metrics.voting import VoteScores, neighbour_vote, vote_scores
from embedder.metrics.whole_ranking import one_hot, whole_average_precision
from embedder.training.feeding.sources import BatchSource, Rows, in_batches

MAX_REFERENCES = 4000
ENCODING_BATCH = 64

Vectors = NDArray[np.float32]
EncodedExcerpts = tuple[Rows, torch.Tensor]
"""The track of each excerpt, int64 [excerpts], and its vector, float32 [excerpts, size]."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Results of the held-out side. Rows of the ranking count within `references`."""

    scores: dict[str, float]
    queries: Rows
    """The queries that could be read; the order of ranking and vote."""
    references: Rows
    ranking: Ranking
    vote: VoteScores | None
    tags: TagScores | None = None
    """Scores of the tagging head."""
    encoded: tuple[EncodedExcerpts, EncodedExcerpts] | None = field(default=None, repr=False)
    """The excerpts of queries and references."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Query tracks, reference tracks and their labels and tags. Ids are those of all tracks."""

    source: BatchSource
    references: Rows
    queries: Rows
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    """The artist of each track. A query ignores references by its artist; -1: unknown."""
    tags: NDArray[np.float32] | None
    n_labels: int
    geometry: Geometry
    n_neighbours: int
    device: torch.device
    tag_probabilities: Callable[[Vectors], Vectors] | None = None
    """The current tagging head: [excerpts, size] to [excerpts, tags]."""
    goes_by_tags: bool = False
    goes_by: StoppingMeasure = "map"
    """Which of the labels' scores is `score`."""

    def __call__(self, network: nn.Module, front_end: FrontEnd) -> dict[str, float]:
        """The scores of the current network; empty without queries."""
        return self.measure(network, front_end).scores if len(self.queries) else {}

    def measure(self, network: nn.Module, front_end: FrontEnd) -> Measured:
        """The scores, with the ranking and votes behind them. Unreadable files are left out."""
        encoded_queries, encoded_references = (
            encode_excerpts(self.source, rows, network, front_end, device=self.device)
            for rows in (self.queries, self.references)
        )
        readable = replace(
            self,
            queries=readable_rows(self.queries, encoded_queries),
            references=readable_rows(self.references, encoded_references),
        )
        return readable._measured(encoded_queries, encoded_references)

    def _measured(self, queries: EncodedExcerpts, references: EncodedExcerpts) -> Measured:
        vectors = (
            track_means(*queries, self.queries, geometry=self.geometry),
            track_means(*references, self.references, geometry=self.geometry),
        )
        ranking = self.rank(vectors)
        scores: dict[str, float] = {}
        if self.tags is not None:
            scores |= self._mean_average_precision("tag_map", vectors, self.tags)
        vote = None
        if self.n_labels:
            labels = one_hot(self.labels, self.n_labels)
            scores |= self._mean_average_precision("map", vectors, labels)
            vote = self.vote(ranking)
            scores["accuracy"] = vote.accuracy
        tags = self._score_tags(queries)
        if tags is not None:
            scores["roc_auc"], scores["pr_auc"] = tags.macro_roc_auc, tags.macro_pr_auc
        by_priority = (self.goes_by, "accuracy", "tag_map")
        scores["score"] = next((scores[name] for name in by_priority if name in scores), 0.0)
        if self.goes_by_tags and tags is not None:
            scores["score"] = tags.macro_pr_auc
        return Measured(
            scores,
            self.queries,
            self.references,
            ranking,
            vote,
            tags,
            encoded=(queries, references),
        )

    def _mean_average_precision(
        self, name: str, vectors: tuple[Vectors, Vectors], tags: NDArray[np.float32]
    ) -> dict[str, float]:
        """Over the whole ranking, as `evaluate` measures it; empty if nothing is relevant."""
        values = whole_average_precision(
            *vectors,
            tags[self.queries],
            tags[self.references],
            geometry=self.geometry,
            apart=[self._apart()],
        )
        values = values[np.isfinite(values)]
        return {name: float(values.mean())} if len(values) else {}

    def _score_tags(self, encoded_queries: EncodedExcerpts) -> TagScores | None:
        """The head's probabilities, averaged over excerpts, against the tags of tagged queries."""
        if self.tag_probabilities is None or self.tags is None:
            return None
        owners, outputs = encoded_queries
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        sums = np.add.reduceat(self.tag_probabilities(outputs.numpy()), starts, axis=0)
        means = sums / np.diff([*starts, len(owners)])[:, None]
        truth = self.tags[self.queries]
        is_tagged = truth.any(axis=1)
        scores = tag_scores(means[is_tagged], truth[is_tagged])
        return scores if scores.n_tags_scored else None

    def rank(self, vectors: tuple[Vectors, Vectors]) -> Ranking:
        """The nearest references of each query, without those by its own artist."""
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


def nothing_measured(network: nn.Module, front_end: FrontEnd) -> dict[str, float]:
    """For a run without held-out tracks."""
    del network, front_end
    return {}


def some_references(rows: Rows, *, seed: int) -> Rows:
    """At most `MAX_REFERENCES` of the rows, in order."""
    if len(rows) <= MAX_REFERENCES:
        return rows
    chosen_rows = np.random.default_rng([seed, 7]).choice(rows, MAX_REFERENCES, replace=False)
    return np.sort(chosen_rows)


def readable_rows(rows: Rows, encoded: EncodedExcerpts) -> Rows:
    """The rows that have at least one excerpt."""
    return rows[np.isin(rows, encoded[0])]


@torch.inference_mode()
def encode_excerpts(
    source: BatchSource,
    rows: Rows,
    network: nn.Module,
    front_end: FrontEnd,
    *,
    device: torch.device,
) -> EncodedExcerpts:
    """The excerpts that inference would read, encoded. Unreadable files are left out."""
    was_training = network.training
    network.eval()
    normalisation = front_end.normalisation.eval()
    owners, outputs = [], []
    batches = in_batches(source, rows, batch_size=ENCODING_BATCH, skip_unreadable=True)
    for batch_owners, levels in batches:
        owners.append(batch_owners)
        outputs.append(network(normalisation(levels.to(device))).float().cpu())
    network.train(was_training)
    if not owners:
        raise DatasetError(f"none of {len(rows)} tracks can be read any more")
    return np.concatenate(owners), torch.cat(outputs)


def track_means(
    owners: NDArray[np.int64], outputs: torch.Tensor, rows: Rows, *, geometry: Geometry
) -> Vectors:
    """The mean of each track's excerpts on the geometry. Owners are in the order of `rows`."""
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    if len(starts) == len(owners) == len(rows):  # one excerpt a track
        return outputs.numpy()
    parts = torch.tensor_split(outputs, torch.from_numpy(starts[1:]))
    return torch.stack([geometry.mean(part) for part in parts]).numpy()
