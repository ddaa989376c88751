"""A model's own head against the truth: the figures that belong to it, not to its neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embedder.metrics.bootstrap import Interval
from embedder.metrics.calibration import reliability
from embedder.metrics.ranking import Ids
from embedder.metrics.tagging import TagScores, tag_scores
from embedder.metrics.voting import VoteScores, vote_scores
from embedder.models.heads import Head
from index.evaluate.material import Material


@dataclass(frozen=True, slots=True, eq=False)
class HeadAnswers:
    """What a head says of tracks. probabilities: float32 [tracks, labels], calibrated."""

    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    origin: str
    n_calibration: int

    def rows(self, rows: Ids) -> "HeadAnswers":
        """Those of some tracks."""
        return replace(self, probabilities=self.probabilities[rows])


def answers_of(
    heads: Mapping[str, Head], excerpt_vectors: list[NDArray[np.float32]]
) -> dict[str, HeadAnswers]:
    """The answers of each head by its field; excerpt_vectors: float32 [excerpts, size] a track."""
    return {
        field: HeadAnswers(
            head.labels,
            np.stack([head.track_probabilities(vectors) for vectors in excerpt_vectors])
            if excerpt_vectors
            else np.zeros((0, len(head.labels)), dtype=np.float32),
            head.origin,
            head.calibration.n_tracks,
        )
        for field, head in heads.items()
    }


@dataclass(frozen=True, slots=True, eq=False)
class HeadScores:
    """The figures of a head on the query tracks."""

    labels: tuple[str, ...]
    """The labels of the data set, then other labels of the head: the axes of the confusion."""
    origin: str
    n_calibration: int
    n_unknown: int
    """Query tracks with a label that the head does not have."""
    correct: NDArray[np.float64]
    """[tracks], as in `ModelScores`."""
    vote: VoteScores | None = None
    expected_error: float = float("nan")
    tags: TagScores | None = None
    accuracy: Interval | None = None


def score_head(answers: HeadAnswers, material: Material, queries: Ids) -> HeadScores:
    """Answer i is of track i of the material."""
    extra = tuple(name for name in answers.labels if name not in material.label_names)
    names = (*material.label_names, *extra)
    probabilities = np.zeros((len(answers.probabilities), len(names)))
    columns = [names.index(name) for name in answers.labels]
    probabilities[:, columns] = answers.probabilities
    is_known = np.isin(material.label_names, answers.labels)
    n_unknown = int((material.tags[queries][:, ~is_known] > 0).any(axis=1).sum())
    correct = np.full(len(probabilities), np.nan)
    common = (names, answers.origin, answers.n_calibration, n_unknown)
    if material.is_multi_label:
        n_labels = len(material.label_names)
        chances = np.where(is_known, probabilities[:, :n_labels], np.nan)[queries]
        scores = tag_scores(np.nan_to_num(chances), material.tags[queries])
        scores.roc_auc[~is_known] = scores.pr_auc[~is_known] = np.nan
        scores = replace(
            scores,
            macro_roc_auc=_mean(scores.roc_auc),
            macro_pr_auc=_mean(scores.pr_auc),
            n_tags_scored=int((~np.isnan(scores.roc_auc)).sum()),
        )
        return HeadScores(*common, correct, tags=scores)
    labels = material.labels[queries]
    correct[queries] = probabilities[queries].argmax(axis=1) == labels
    return HeadScores(
        *common,
        correct,
        vote=vote_scores(probabilities[queries], labels),
        expected_error=reliability(probabilities[queries], labels).expected_error,
    )


def _mean(values: NDArray[np.float64]) -> float:
    scored = values[~np.isnan(values)]
    return float(scored.mean()) if len(scored) else float("nan")
