"""A linear probe: how well logistic regression predicts the label from frozen vectors.

Scaling and regression are fitted on the reference tracks of a round. For a field with several
labels a track there is one regression per label, scored by ROC-AUC and PR-AUC.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from embedder.metrics.tagging import TagScores, tag_scores
from embedder.metrics.voting import VoteScores, vote_scores
from index.evaluate.material import Material
from index.evaluate.rounds import Round
from index.evaluate.vector_set import VectorSet

N_ITERATIONS = 500
STRENGTH = 0.1
"""scikit-learn's C: of 0.01, 0.1 and 1 the best, or close to it, on every data set tried."""


@dataclass(frozen=True, slots=True)
class ProbeScores:
    """`vote` for a field with one label a track, `tags` for one with several."""

    vote: VoteScores | None = None
    tags: TagScores | None = None


def probe(
    vector_set: VectorSet, material: Material, rounds: tuple[Round, ...]
) -> ProbeScores | None:
    """Scores over the queries of all rounds; None if every round has only one label to learn."""
    usable = [r for r in rounds if len(np.unique(material.labels[r.references])) > 1]
    if not usable:
        return None
    probabilities = np.zeros((len(material.labels), len(material.label_names)))
    for usable_round in usable:
        learn = _each_tag if material.is_multi_label else _one_label
        probabilities[usable_round.queries] = learn(vector_set.vectors, material, usable_round)
    queries = np.concatenate([usable_round.queries for usable_round in usable])
    if material.is_multi_label:
        return ProbeScores(tags=tag_scores(probabilities[queries], material.tags[queries]))
    return ProbeScores(vote=vote_scores(probabilities[queries], material.labels[queries]))


def _one_label(
    vectors: NDArray[np.float32], material: Material, usable_round: Round
) -> NDArray[np.float64]:
    truth = material.labels[usable_round.references]
    return _fitted(vectors, truth, usable_round, n_labels=len(material.label_names))


def _each_tag(
    vectors: NDArray[np.float32], material: Material, usable_round: Round
) -> NDArray[np.float64]:
    columns = []
    for tag in range(len(material.label_names)):
        truth = (material.tags[usable_round.references, tag] > 0).astype(np.int64)
        if truth.min() == truth.max():
            columns.append(np.full(len(usable_round.queries), float(truth[0])))
        else:
            columns.append(_fitted(vectors, truth, usable_round, n_labels=2)[:, 1])
    return np.stack(columns, axis=1)


def _fitted(
    vectors: NDArray[np.float32], truth: NDArray[np.int64], usable_round: Round, *, n_labels: int
) -> NDArray[np.float64]:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=N_ITERATIONS))
    with warnings.catch_warnings():
        # A probe that has nearly converged scores like one that has.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(vectors[usable_round.references], truth)
    probabilities = np.zeros((len(usable_round.queries), n_labels))
    probabilities[:, model.classes_] = model.predict_proba(vectors[usable_round.queries])
    return probabilities
